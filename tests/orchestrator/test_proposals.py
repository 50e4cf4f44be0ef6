"""Whoever proposes, an interrupted search proposes what it would have proposed."""

import pytest
from optuna.trial import TrialState
from played import SPACE, own_score, sampled

from orchestrator.proposals import Listed, Proposal, Sampled, samplers

SAMPLERS = ("kde", "tpe", "gp", "random")
BY_SAMPLER = pytest.mark.parametrize("sampler", SAMPLERS)
TRIALS = [f"trial-{number:03d}" for number in range(1, 9)]


def proposed(proposals, trials, *, learn=True):
    """Propose trials one after the other; each tells two scores and ends."""
    found = []
    for trial in trials:
        found.append(proposals.propose(trial).values)
        if learn:
            tell(proposals, trial)
    return found


def tell(proposals, trial):
    for step in (1, 3):
        proposals.tell(trial, step, own_score(trial, step))
    proposals.end(trial, is_complete=True, score=own_score(trial, 3))


@BY_SAMPLER
def test_study_that_is_rebuilt_proposes_what_it_would_have(sampler):
    whole = proposed(sampled(sampler), TRIALS)
    rebuilt = sampled(sampler)
    for trial, values in zip(TRIALS[:5], whole, strict=False):
        rebuilt.restore(trial, values)
        tell(rebuilt, trial)
    assert proposed(rebuilt, TRIALS[5:]) == whole[5:]


@BY_SAMPLER
def test_values_lie_in_their_domains(sampler):
    for values in proposed(sampled(sampler), TRIALS):
        assert values["loss.name"] in ("focal", "f1")
        assert 1e-4 <= values["optim.lr"] <= 1e-1


@pytest.mark.parametrize("sampler", ["kde", "tpe", "random"])
def test_another_seed_proposes_others(sampler):
    first, second = (proposed(sampled(sampler, seed), TRIALS[:3]) for seed in (0, 1))
    assert first != second


def test_first_ones_come_first_and_what_they_leave_open_is_drawn():
    given = [Proposal({"loss.name": "f1"}, "recipe a"), Proposal({"optim.lr": 0.05}, "old/t-1")]
    proposals = Sampled(
        lambda trial: SPACE.suggest(trial, None), samplers("random", 0, (1, 3)), given
    )
    first, second, third = (proposals.propose(trial) for trial in TRIALS[:3])
    assert (first.values["loss.name"], first.source) == ("f1", "recipe a")
    assert (second.values["optim.lr"], second.source) == (0.05, "old/t-1")
    assert set(first.values) == set(second.values) == set(SPACE.parameters)
    assert third.source == "sampler"


def test_stopped_trial_is_no_complete_one_to_the_sampler():
    proposals = sampled()
    for trial in TRIALS[:3]:
        proposals.propose(trial)
        proposals.tell(trial, 1, 0.5)
    proposals.end(TRIALS[0], is_complete=True, score=0.5)
    proposals.end(TRIALS[1], is_complete=False, score=0.5)
    proposals.end(TRIALS[2], is_complete=False, score=None)
    states = [trial.state for trial in proposals._study.trials]
    assert states == [TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL]


def test_trials_that_are_not_over_are_running_ones_whose_scores_are_known():
    proposals = sampled()
    proposals.propose(TRIALS[0])
    proposals.tell(TRIALS[0], 1, 0.25)
    (trial,) = proposals._study.trials
    assert (trial.state, trial.intermediate_values) == (TrialState.RUNNING, {1: 0.25})


def test_list_ends():
    listed = Listed([{"optim.lr": 0.1}])
    assert listed.propose("a").values == {"optim.lr": 0.1}
    assert listed.propose("b") is None
