"""Which columns has TensorBoard's HParams table, and what stands in a trial's row?

The messages are TensorBoard's own, which need no TensorFlow.
"""
# pyright: reportAttributeAccessIssue=false
# TensorBoard's messages are classes made at import, which no type checker sees.

from collections.abc import Iterable, Mapping
from typing import Any

from optuna.distributions import CategoricalDistribution
from tensorboard.compat.proto.summary_pb2 import Summary

# plugins.hparams.api, the documented door to summary_v2's names, imports TensorFlow.
from tensorboard.plugins.hparams import api_pb2, metadata, summary_v2
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo

from search_spaces.ends import ends
from search_spaces.language import Space, When
from trainable.config import TrialConfig
from trainable.metric_names import METRICS
from trainable.records import EpochRecord, Status
from trainable.settings import Value

Kind = type[bool] | type[float] | type[str]

ENDED: Mapping[Status, int] = {
    "completed": api_pb2.STATUS_SUCCESS,
    "stopped": api_pb2.STATUS_SUCCESS,
    "failed": api_pb2.STATUS_FAILURE,
}
"""TensorBoard keeps the first status a trial is given, so a running trial has none yet."""


class HParamsTable:
    """Makes the summaries that declare the table's columns and fill its rows.

    A parameter that does not exist for a trial shows the base's value, which is what the trial's
    configuration holds; TensorBoard would leave a trial with an empty cell out of its plots.
    A None is an empty cell: TensorBoard has no other word for it.
    """

    def __init__(self, space: Space, base: TrialConfig) -> None:
        self._space = space
        self._base = {path: base.value(path) for path in space.parameters}
        self._kinds = {path: _kind(self._possible(path)) for path in space.parameters}

    def columns(self) -> Any:
        """Return the summary that declares every parameter and metric, with their domains."""
        parameters = [
            summary_v2.HParam(path, self._domain(path), display_name=path)
            for path in self._space.parameters
        ]
        metrics = [
            summary_v2.Metric(f"best/{name}", display_name=f"{name} (best epoch)")
            for name in METRICS
        ]
        metrics.append(summary_v2.Metric("best/epoch", display_name="best epoch"))
        return summary_v2.hparams_config_pb(parameters, metrics)

    def row(self, trial: str, values: Mapping[str, Value]) -> Any:
        """Return the summary that holds a trial's value of every parameter."""
        shown = {path: values.get(path, own) for path, own in self._base.items()}
        cells = {
            path: self._kinds[path](value) for path, value in shown.items() if value is not None
        }
        return summary_v2.hparams_pb(cells, trial_id=trial)

    def _possible(self, path: str) -> list[bool | int | float | str]:
        drawn = [end for domain in self._space.domains()[path] for end in ends(domain)]
        if isinstance(self._space.parameters[path], When):
            drawn.append(self._base[path])
        return [value for value in drawn if value is not None]

    def _domain(self, path: str) -> summary_v2.Domain:
        kind = self._kinds[path]
        values = [kind(value) for value in self._possible(path)]
        domains = self._space.domains()[path]
        if any(isinstance(domain, CategoricalDistribution) for domain in domains):
            return summary_v2.Discrete(set(values), dtype=kind)
        # Integers as well: TensorBoard stores its IntInterval as this one.
        return summary_v2.RealInterval(min(values), max(values))


def best_so_far(best: EpochRecord) -> dict[str, float]:
    """Return tag -> value of the metrics in the table, which shows the last value of each tag."""
    points = {f"best/{name}": value for name, value in best.metrics.items()}
    return points | {"best/epoch": best.epoch}


def verdict(status: Status, seconds: float) -> Any:
    """Return the summary that says how a trial ended, ``seconds`` after 1970."""
    end = SessionEndInfo(status=ENDED[status], end_time_secs=seconds)
    about = metadata.create_summary_metadata(HParamsPluginData(session_end_info=end))
    tag, nothing = metadata.SESSION_END_INFO_TAG, metadata.NULL_TENSOR
    return Summary(value=[Summary.Value(tag=tag, metadata=about, tensor=nothing)])


def _kind(values: Iterable[Value]) -> Kind:
    """Return the one type that holds all values: TensorBoard's columns have one each."""
    kinds = {type(value) for value in values}
    if kinds == {bool}:
        return bool
    return float if kinds and kinds <= {int, float} else str
