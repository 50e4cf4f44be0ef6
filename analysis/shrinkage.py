"""What is the best of many trials really worth? Scores shrunk for having been chosen by them.

The highest of n scores is high for two reasons: a good trial, and luck with the persons that it was
scored on. On other persons the luck is gone: the winner's curse. What all trials share of it (an
easy lot of persons) moves all scores alike and chooses nobody. Only what differs between trials
does, and that is what the variances here are of. Luck with the epoch that was best, and with the
rungs on the way, is not seen here: the best of a search keeps some (LOG.md has how much).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from analysis.answers import Answers, read_answers, resampled_answers
from analysis.results import Experiment, Trial
from trainable.resampling import Scores

RESAMPLES = 400
"""Draws of persons: a variance needs fewer than a percentile."""
LEVELS = 200
"""Values of true scores that are thought possible, beside the scores themselves."""
STEPS = 20
"""Of the estimate of their distribution: few, from a flat start, keep it smooth."""
LEAST_NOISE = 1e-6


@dataclass(frozen=True)
class Shrunken:
    """A trial's score, what it is expected to be on other persons, and among how many it stood.

    ``noise`` is the standard deviation of what differs between these trials by chance.
    """

    score: float
    estimate: float
    noise: float
    among: int


def shrunken_trials(experiment: Experiment) -> dict[str, Shrunken]:
    """Return the shrunken scores of finished trials by name.

    Trials are shrunk among those that answered the same tasks for the same images. Those that were
    stopped early are among them: they were part of the choice. Raises UserError where what a trial
    answered cannot be read.
    """
    images = experiment.folder.read_images()
    alike: defaultdict[object, list[tuple[Trial, Answers]]] = defaultdict(list)
    for trial in experiment.finished:
        answers = read_answers(trial, images)
        alike[answers.key].append((trial, answers))
    found: dict[str, Shrunken] = {}
    for group in alike.values():
        resampled = resampled_answers([answers for _, answers in group], images, RESAMPLES)
        found |= _shrunken([trial for trial, _ in group], own_variances(resampled))
    return found


def own_variances(resampled: Scores) -> Scores:
    """Return (n,): how much each of n trials' scores varies by itself over R resamples (R, n).

    The mean of all trials is taken out of each resample: what they share chooses nobody. One trial
    alone has nothing of its own.
    """
    count = resampled.shape[1]
    own = resampled - resampled.mean(axis=1, keepdims=True)
    return own.var(axis=0) * count / max(count - 1, 1)


def shrunken_scores(scores: Scores, variances: Scores) -> Scores:
    """Return (n,): the expected true scores behind n ``scores`` with these noise variances.

    Empirical Bayes (Robbins 1956): the distribution of true scores is estimated from all scores, by
    maximum likelihood (Kiefer & Wolfowitz 1956; Jiang & Zhang 2009) with some steps of EM, and each
    score is replaced by its posterior mean. James and Stein's rule (Efron & Morris 1975) is the
    same with a normal distribution. Searches are not like that: a few configurations that learn
    nothing make it so wide that it leaves two thirds of the curse among the good ones
    (`python -m benchmarks.winners_curse`).
    """
    noise = np.sqrt(np.maximum(variances, LEAST_NOISE**2))[:, None]
    levels = np.union1d(scores, np.linspace(scores.min(), scores.max(), LEVELS))
    fit = norm.logpdf(scores[:, None], levels, noise)
    likelihood = np.exp(fit - fit.max(axis=1, keepdims=True))
    prior = np.full(len(levels), 1 / len(levels))
    for _ in range(STEPS):
        prior = _posterior(likelihood, prior).mean(axis=0)
    return _posterior(likelihood, prior) @ levels


def _posterior(likelihood: Scores, prior: Scores) -> Scores:
    joint = likelihood * prior
    return joint / joint.sum(axis=1, keepdims=True)


def _shrunken(trials: Sequence[Trial], variances: Scores) -> dict[str, Shrunken]:
    scores = np.array([trial.best.score for trial in trials if trial.best])
    estimates = shrunken_scores(scores, variances)
    return {
        trial.name: Shrunken(float(score), float(estimate), float(np.sqrt(own)), len(trials))
        for trial, score, estimate, own in zip(trials, scores, estimates, variances, strict=True)
    }
