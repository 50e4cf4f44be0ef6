"""Which settings mattered? PED-ANOVA, and what it would say by luck."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial, create_trial

from analysis.report.evidence import Evidence
from analysis.report.levels import Level
from analysis.report.varied import distributions
from trainable.comparison import interval

FEWEST = 10
"""Of fewer trials nothing is said."""
GOOD_TRIALS, GOOD_SHARE = 5, 0.1
"""What counts as good: the best tenth, or as many trials as the method needs to be stable."""
DRAWS = 100
LUCK = 0.95
TINY = 1e-12


@dataclass(frozen=True)
class Importance:
    """How much a setting tells good trials from the others: ``share`` of 1 over all settings.

    Between ``low`` and ``high`` lie 95 % of what random halves of the trials say. ``luck`` is what
    it could reach by chance.
    """

    path: str
    share: float
    low: float
    high: float
    luck: float


@dataclass(frozen=True)
class Ranking:
    """All settings, the most important first, by the scores of ``trials`` up to an ``epoch``.

    The ``good`` best of them are told from all.
    """

    settings: Sequence[Importance]
    epoch: int
    trials: int
    good: int

    @property
    def telling(self) -> list[Importance]:
        """The settings that matter more than chance explains."""
        return [one for one in self.settings if one.share > one.luck]


def rank_settings(evidence: Evidence, level: Level) -> Ranking | None:
    """Rank the settings by their importance for the scores at a level; None of too few trials.

    PED-ANOVA (Watanabe et al. 2023; conditional settings: Kato et al. 2026) asks in which values
    the good trials differ from all trials. It compares with what was tried, so a sampler that
    prefers some values counts for nothing. Halves of the trials, drawn at random, spread as far as
    new trials would (the delete-half jackknife, Shao & Wu 1989). Scores shuffled among the trials
    show what chance alone reaches.
    """
    trials = _optuna_trials(evidence, level)
    paths = sorted({path for trial in trials for path in trial.params})
    if len(trials) < FEWEST or not paths:
        return None
    scores = np.array([trial.value for trial in trials], np.float64)
    found, random = _Importances(trials, paths), np.random.default_rng(0)
    observed = found.of(scores)
    halves = [found.of(_half(scores, random)) for _ in range(DRAWS)]
    luck = _luck(np.array([found.of(random.permutation(scores)) for _ in range(DRAWS)]))
    shares = np.array([one / max(one.sum(), TINY) for one in (observed, *halves)])
    settings = [
        Importance(
            path,
            float(shares[0, i]),
            *interval(shares[1:, i]),
            luck=float(luck[i] / max(observed.sum(), TINY)),
        )
        for i, path in enumerate(paths)
    ]
    ranked = sorted(settings, key=lambda one: -one.share)
    return Ranking(ranked, level.epoch, len(trials), found.good)


def _luck(shuffled: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (S,): what each of S settings stays below in 95 % of shuffles (D, S), all at once.

    As one looks for the highest of all settings, it is the luckiest one's distance from its mean
    that counts, in standard deviations (maxT, Westfall & Young 1993).
    """
    mean, spread = shuffled.mean(axis=0), np.maximum(shuffled.std(axis=0), TINY)
    highest = ((shuffled - mean) / spread).max(axis=1)
    return mean + np.quantile(highest, LUCK) * spread


class _Importances:
    """PED-ANOVA of the same trials with different scores (N,); NaN leaves a trial out."""

    def __init__(self, trials: Sequence[FrozenTrial], paths: Sequence[str]) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        share = min(0.5, max(GOOD_SHARE, GOOD_TRIALS / len(trials)))
        self._paths = paths
        self._evaluator = PedAnovaImportanceEvaluator(target_quantile=share)
        self._study = optuna.create_study(direction="maximize")
        self._study.add_trials(trials)
        self.good = int(np.ceil(share * len(trials)))

    def of(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        with warnings.catch_warnings():  # it says that low targets count as good: we negate ours
            warnings.simplefilter("ignore")
            found = get_param_importances(
                self._study,
                evaluator=self._evaluator,
                params=list(self._paths),
                target=lambda trial: -float(scores[trial.number]),
                normalize=False,
            )
        return np.array([found[path] for path in self._paths])


def _optuna_trials(evidence: Evidence, level: Level) -> list[FrozenTrial]:
    found: list[FrozenTrial] = []
    for trial in evidence.scored:
        drawn = distributions(evidence, trial)
        if trial.name in level.scores and drawn:
            values = {path: trial.results.record.values[path] for path in drawn}
            score = level.scores[trial.name]
            found.append(create_trial(params=values, distributions=drawn, value=score))
    return found


def _half(scores: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
    kept = scores.copy()
    kept[random.permutation(len(scores))[: len(scores) // 2]] = np.nan
    return kept
