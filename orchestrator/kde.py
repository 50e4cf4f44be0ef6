"""Which configuration is likely better than those that were tried? Where good ones are dense.

The model of BOHB (Falkner, Klein & Hutter 2018) as a sampler of Optuna's: on the highest rung that
enough trials reached, the best few and all others have a density each, and the next configuration
is one where the first is high and the second is low.
"""

import math
import secrets
import threading
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler, RandomSampler
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from orchestrator.density import Density
from orchestrator.kernels import Dimension, Numbers
from orchestrator.lessons import Lessons

CANDIDATES = 60
"""Configurations that are compared for one proposal."""
WIDENING = math.sqrt(3)
"""Candidates are drawn from kernels so many times as wide, and spread out from the good ones."""
FEWEST_GOOD = 3
NARROWEST = 0.1
"""The smallest bandwidth, in parts of a parameter's range. With 0.03 proposals crowd too early: on
17 data sets of LCBench left alone for it, regret after 10 full trainings was 0.09 instead of 0.01.
"""
MOST_BAD = 1000
"""Bad trials that are looked at, drawn at random where there are more: time grows with them, and
what they tell together hardly does."""


class KdeSampler(BaseSampler):
    """Proposes configurations where good trials are dense and bad ones are not.

    A trial's score on a rung is the last of its intermediate values up to that step, as it was
    reported: whoever means the best so far reports that. Trials that still run count, those that
    failed do not. One that reported nothing has its final value on a rung above all. ``rungs`` are
    the steps at which trials are compared, None for every step that was reported. One of
    ``random_fraction`` proposals is drawn at random, and so are all until 2 (d + 2) trials have a
    score, d being the most parameters that one trial has. The best ``good_fraction`` on a rung are
    its good trials.

    Optuna's relative sampling raises where a parameter's choices are not those of earlier trials,
    so each parameter is answered as an independent one, from one proposal for the whole trial.
    What that lacks, or what the objective does not allow, is drawn at random.

    Proposals follow from the seed, the trial's number and the trials before it, nothing else.
    """

    def __init__(
        self,
        seed: int | None = None,
        *,
        rungs: Sequence[int] | None = None,
        random_fraction: float = 0.3,
        good_fraction: float = 0.15,
    ) -> None:
        if seed is not None and seed < 0:
            raise ValueError(f"seed={seed}: should be 0 or more")
        if not 0 <= random_fraction <= 1:
            raise ValueError(f"random_fraction={random_fraction}: should be between 0 and 1")
        if not 0 < good_fraction < 1:
            raise ValueError(f"good_fraction={good_fraction}: should be between 0 and 1")
        self._seed = secrets.randbits(32) if seed is None else seed
        self._rungs = None if rungs is None else tuple(rungs)
        self._random_fraction = random_fraction
        self._good_fraction = good_fraction
        self._lessons = Lessons(self._rungs, sign=1)
        self._proposals: dict[tuple[str, int], Mapping[str, Any]] = {}
        self._lock = threading.Lock()

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Return none: see the class."""
        self._raise_error_if_multi_objective(study)
        return {}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Make the proposal from which the trial's parameters will be answered."""
        with self._lock:
            self._proposals[study.study_name, trial.number] = self._propose(study, trial.number)
        return {}

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Return the proposal's value where the objective allows it, else a random one."""
        proposal = self._proposals.get((study.study_name, trial.number), {})
        try:
            return allowed(proposal[param_name], param_distribution)
        except LookupError:
            entropy = [self._seed, trial.number, zlib.crc32(param_name.encode())]
            (seed,) = np.random.SeedSequence(entropy).generate_state(1)
            random = RandomSampler(int(seed))
            return random.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(
        self,
        study: Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """Drop the trial's proposal: nobody asks for it any more."""
        self._proposals.pop((study.study_name, trial.number), None)

    def __getstate__(self) -> dict[str, Any]:
        """Return all but the lock, which cannot go to another process."""
        return {name: value for name, value in vars(self).items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take what another process has sent."""
        vars(self).update(state)
        self._lock = threading.Lock()

    def _propose(self, study: Study, number: int) -> dict[str, Any]:
        """Return a value for each parameter that trials have had, or none: all are random."""
        random = np.random.default_rng([self._seed, number])
        if random.random() < self._random_fraction:
            return {}
        lessons = self._learn(study)
        enough = lessons.parameters + 2
        rung = lessons.highest_rung(enough)
        if rung is None or lessons.scored < 2 * enough or not lessons.dimensions:
            return {}
        good, bad = split(*rung, self._good_fraction, random)
        dimensions = lessons.dimensions
        best = likeliest(tuple(dimensions.values()), good, bad, lessons.parameters, random)
        columns = zip(dimensions.items(), best, strict=True)
        return {name: dimension.value(place) for (name, dimension), place in columns}

    def _learn(self, study: Study) -> Lessons:
        sign = 1 if study.direction == StudyDirection.MAXIMIZE else -1
        if self._lessons.sign != sign:
            self._lessons = Lessons(self._rungs, sign)
        self._lessons.learn(study.get_trials(deepcopy=False))
        return self._lessons


def split(
    points: Numbers, scores: Numbers, good_fraction: float, random: np.random.Generator
) -> tuple[Numbers, Numbers]:
    """Return the good points and the bad ones; of equal scores the first is better."""
    best_first = np.argsort(-scores, kind="stable")
    count = min(max(round(good_fraction * len(points)), FEWEST_GOOD), len(points) - 1)
    good, bad = best_first[:count], best_first[count:]
    if len(bad) > MOST_BAD:
        bad = random.choice(bad, MOST_BAD, replace=False)
    return points[good], points[bad]


def likeliest(
    dimensions: Sequence[Dimension],
    good: Numbers,
    bad: Numbers,
    parameters: int,
    random: np.random.Generator,
) -> Numbers:
    """Return the candidate near good points where they are densest in proportion to bad ones."""
    good_density = Density.fitted(dimensions, good, parameters, NARROWEST)
    bad_density = Density.fitted(dimensions, bad, parameters, NARROWEST)
    candidates = good_density.draw(CANDIDATES, WIDENING, random)
    gains = good_density.log(candidates) - bad_density.log(candidates)
    return candidates[np.argmax(gains)]


def allowed(value: Any, distribution: BaseDistribution) -> Any:
    """Return the value as the distribution writes it; LookupError where it has no such value."""
    if isinstance(distribution, CategoricalDistribution):
        return {repr(choice): choice for choice in distribution.choices}[repr(value)]
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    if not isinstance(value, int | float) or not distribution.low <= value <= distribution.high:
        raise LookupError(f"{value} is not in {distribution}")
    if distribution.step is None:
        return float(value)
    steps = round((value - distribution.low) / distribution.step)
    return min(distribution.low + steps * distribution.step, distribution.high)
