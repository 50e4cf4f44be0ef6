"""Every rule decides as it is described, and decides the same when it is asked the same again."""

import random

import pytest
from ray.tune.schedulers import MedianStoppingRule

from orchestrator.config import SchedulerSection
from orchestrator.rules import RULES, RaysRule, make_rule, rung_levels
from trainable.config import TrialConfig

EPOCHS = 9


def rule(**words):
    config = SchedulerSection(**{"grace_epochs": 1, "reduction": 3, "promote": False, **words})
    return make_rule(config, TrialConfig().with_values({"train.epochs": EPOCHS}))


@pytest.mark.parametrize(
    ("grace", "reduction", "steps", "levels"),
    [
        (2, 3, 8, (2, 6)),
        (3, 3, 52, (3, 9, 27)),
        (1, 3, 9, (1, 3)),
        (2, 1.5, 8, (2, 3, 4, 7)),
        (8, 3, 8, ()),
        (1, 1.2, 4, (1, 2, 3)),
    ],
)
def test_levels_are_the_grace_and_its_multiples_before_the_end(grace, reduction, steps, levels):
    assert rung_levels(grace, reduction, steps) == levels


def test_folds_are_compared_when_they_are_whole():
    folds = {"cv.folds": 5, "cv.fidelity": "folds", "train.epochs": EPOCHS}
    base = TrialConfig().with_values(folds)
    assert make_rule(SchedulerSection(reduction=2.5), base).levels == (9, 18)


def test_stopping_halving_stops_the_worse_at_a_level_and_nobody_between():
    halving = rule()
    assert halving.judge("a", 1, 0.5) == "continue"
    assert halving.judge("b", 1, 0.4) == "stop"
    assert halving.judge("a", 2, 0.1) == "continue"
    assert halving.judge("c", 1, 0.6) == "continue"


def test_promoting_halving_pauses_until_enough_have_come():
    halving = rule(promote=True)
    assert [halving.judge(name, 1, 0.5) for name in "ab"] == ["pause", "pause"]
    assert halving.promotable() is None
    assert halving.judge("c", 1, 0.1) == "pause"
    assert halving.promotable() == "a"
    halving.promote("a")
    assert halving.promotable() is None


def test_trial_that_would_be_promoted_next_goes_on_at_once():
    halving = rule(promote=True)
    for name in "ab":
        halving.judge(name, 1, 0.2)
    assert halving.judge("c", 1, 0.9) == "continue"
    assert halving.promotable() is None


def test_trial_that_is_over_leaves_its_place_to_the_next_best():
    halving = rule(promote=True)
    for name, score in {"a": 0.9, "b": 0.2, "c": 0.1}.items():
        halving.judge(name, 1, score)
    halving.forget("a")
    assert halving.promotable() == "b"
    halving.promote("b")
    assert halving.promotable() is None


def test_fifo_stops_nobody():
    fifo = rule(name="fifo")
    assert {fifo.judge("a", step, 0.0) for step in range(1, EPOCHS)} == {"continue"}


def test_rays_asha_stops_who_is_below_the_quantile():
    asha = rule(name="asha")
    assert asha.judge("a", 1, 0.5) == "continue"
    assert asha.judge("b", 1, 0.4) == "stop"


def test_median_rule_stops_who_is_below_the_median():
    median = rule(name="median")
    for name in "abc":
        assert {median.judge(name, step, 0.6) for step in (1, 2)} == {"continue"}
    assert median.judge("d", 1, 0.6) == "continue"
    assert median.judge("d", 2, 0.5) == "stop"
    assert median.judge("d", 3, 0.9) == "stop"


@pytest.mark.parametrize("grace", [1, 3])
def test_median_rule_decides_as_rays(grace):
    chance = random.Random(grace)
    rays = RaysRule(
        MedianStoppingRule(time_attr="step", metric="score", mode="max", grace_period=grace)
    )
    ours, best = rule(name="median", grace_epochs=grace), dict.fromkeys("abcdefgh", (0, 0.0))
    decided = set()
    for trial in chance.choices("abcdefgh", k=60):
        step, score = best[trial][0] + 1, max(best[trial][1], chance.random())
        best[trial] = step, score
        verdict = ours.judge(trial, step, score)
        assert verdict == rays.judge(trial, step, score)
        decided.add(verdict)
    assert decided == {"continue", "stop"}


@pytest.mark.parametrize("promote", [False, True])
@pytest.mark.parametrize("name", RULES)
def test_rule_that_is_asked_the_same_again_decides_the_same(name, promote):
    def decided(count):
        chance, asked = random.Random(3), rule(name=name, promote=promote)
        return [asked.judge(str(i % 20), 1 + i // 20, chance.random()) for i in range(count)]

    assert decided(120)[:70] == decided(70)
