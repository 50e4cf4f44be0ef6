"""What the sampler proposes follows from seed and trials, and comes near the good ones."""

import pickle

import numpy as np
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState, create_trial

from orchestrator.dimensions import dimension_of
from orchestrator.kde import MOST_BAD, KdeSampler, allowed, likeliest, split

optuna.logging.set_verbosity(optuna.logging.WARNING)
UNIT = {"x": FloatDistribution(0.0, 1.0)}
LETTER = {"letter": CategoricalDistribution(("a", "b"))}


def model(seed=0, **words):
    """A sampler that proposes nothing at random once it may not."""
    return KdeSampler(seed, random_fraction=0.0, **words)


def study_with(sampler, direction="maximize"):
    return optuna.create_study(sampler=sampler, direction=direction)


def proposals(study, space, count):
    return [study.ask(space).params for _ in range(count)]


def add(study, params, space, reports=None, **words):
    """Add a trial that was made elsewhere."""
    trial = create_trial(params=params, distributions=space, intermediate_values=reports, **words)
    study.add_trial(trial)


def conditional(trial):
    """The best letter has a parameter of its own, which is best near 0.7."""
    letter = trial.suggest_categorical("letter", ("a", "b", "c"))
    trial.suggest_int("depth", 1, 8)
    if letter == "b":
        return 1.0 - abs(trial.suggest_float("x", 0.0, 1.0) - 0.7)
    return 0.3 * trial.suggest_float("y", 1e-4, 1.0, log=True)


def finds(trial):
    return trial.params["letter"] == "b" and abs(trial.params["x"] - 0.7) < 0.1


def test_good_category_and_region_are_found_far_more_often_than_at_random():
    found = 0
    for seed in range(5):
        study = study_with(KdeSampler(seed))
        study.optimize(conditional, n_trials=60)
        found += sum(map(finds, study.trials[30:]))
    at_random = 5 * 30 * 0.2 / 3
    assert found > 5 * at_random


def test_proposals_are_random_until_2_d_plus_2_trials_have_a_score():
    """With one parameter that is six trials."""
    learning, at_random = study_with(model()), study_with(KdeSampler(0, random_fraction=1.0))
    for number in range(7):
        asked = [study.ask(UNIT) for study in (learning, at_random)]
        assert (asked[0].params == asked[1].params) == (number < 6)
        for study, trial in zip((learning, at_random), asked, strict=True):
            study.tell(trial, trial.params["x"])


def test_a_share_of_proposals_stays_random():
    learning, at_random = study_with(KdeSampler(0)), study_with(KdeSampler(0, random_fraction=1.0))
    for study in (learning, at_random):
        for number in range(20):
            add(study, {"x": number / 20}, UNIT, value=float(number))
    asked = zip(proposals(learning, UNIT, 200), proposals(at_random, UNIT, 200), strict=True)
    assert 30 <= sum(one == other for one, other in asked) <= 90


def test_scores_of_running_trials_count():
    study = study_with(model())
    for _ in range(20):
        trial = study.ask(LETTER)
        trial.report(float(trial.params["letter"] == "b"), step=1)
    proposed = proposals(study, LETTER, 20)
    assert sum(params["letter"] == "b" for params in proposed) >= 18


@pytest.mark.parametrize(("reaching", "is_high"), [(10, True), (3, True), (2, False)])
def test_the_highest_rung_with_enough_scores_counts_and_none_below(reaching, is_high):
    """Small x is best after 1 step and worst after 9; d + 2 = 3 scores are enough."""
    study = study_with(model())
    for number in range(40):
        x = (number * 7 % 40) / 40
        reports = {1: -x, 9: x} if number < reaching else {1: -x}
        add(study, {"x": x}, UNIT, reports, state=TrialState.PRUNED)
    best_reaching = max(trial.params["x"] for trial in study.trials[:reaching])
    proposed = np.array([params["x"] for params in proposals(study, UNIT, 40)])
    target = best_reaching if is_high else 0.0
    assert abs(np.median(proposed) - target) < 0.25


def test_steps_that_are_no_rung_count_for_nothing():
    study = study_with(model(rungs=(1,)))
    for number in range(40):
        x = number / 40
        add(study, {"x": x}, UNIT, {1: -x, 9: x}, state=TrialState.PRUNED)
    assert np.median([params["x"] for params in proposals(study, UNIT, 40)]) < 0.25


def test_the_last_value_up_to_a_rung_counts_and_no_better_one_before():
    study = study_with(model(rungs=(3,)))
    for letter, early, late in (("a", 0.5, 0.6), ("b", 0.9, 0.4)) * 8:
        add(study, {"letter": letter}, LETTER, {1: early, 3: late}, state=TrialState.PRUNED)
    assert sum(params["letter"] == "a" for params in proposals(study, LETTER, 20)) >= 18


def test_minimising_is_the_mirror_of_maximising():
    up, down = study_with(model()), study_with(model(), "minimize")
    for _ in range(30):
        one, other = up.ask(UNIT), down.ask(UNIT)
        assert one.params == other.params
        up.tell(one, (one.params["x"] - 0.3) ** 2)
        down.tell(other, -((one.params["x"] - 0.3) ** 2))


def test_failed_trials_teach_nothing_and_pruned_ones_do():
    study = study_with(model())
    for _ in range(10):
        add(study, {"letter": "b"}, LETTER, {1: 9.0}, state=TrialState.FAIL)
    for letter, score in (("a", 0.8), ("b", 0.2)) * 8:
        add(study, {"letter": letter}, LETTER, {1: score}, state=TrialState.PRUNED)
    assert sum(params["letter"] == "a" for params in proposals(study, LETTER, 20)) >= 18


def test_values_that_are_no_numbers_are_ignored():
    study = study_with(model())
    for letter, score in (("a", 0.8), ("b", 0.2)) * 8:
        reports = {1: score, 2: float("nan"), 3: float("inf") if letter == "b" else score}
        add(study, {"letter": letter}, LETTER, reports, state=TrialState.PRUNED)
    assert sum(params["letter"] == "a" for params in proposals(study, LETTER, 20)) >= 18


def test_a_space_of_one_category_is_learned():
    study = study_with(KdeSampler(0), "minimize")
    space = {"letter": CategoricalDistribution(tuple("abcdefgh"))}
    for _ in range(60):
        trial = study.ask(space)
        study.tell(trial, float(trial.params["letter"] != "e"))
    late = [trial.params["letter"] for trial in study.trials[30:]]
    assert late.count("e") > 3 * len(late) / 8


def test_the_same_seed_proposes_the_same_and_another_seed_something_else():
    studies = [study_with(KdeSampler(seed)) for seed in (0, 0, 1)]
    for study in studies:
        study.optimize(conditional, n_trials=25)
    asked = [[trial.params for trial in study.trials] for study in studies]
    assert asked[0] == asked[1]
    assert asked[0][0] != asked[2][0]
    assert asked[0] != asked[2]


def go_on(study, running):
    """Let three trials run side by side: all report, then the oldest ends, pruned if bad."""
    for trial, score in running:
        steps = len(study.trials[trial.number].intermediate_values)
        trial.report(score * (1 - 0.5**steps), step=steps + 1)
    if len(running) == 3:
        trial, score = running.pop(0)
        if score < 0.5:
            study.tell(trial, state=TrialState.PRUNED)
        else:
            study.tell(trial, score)


def test_a_study_that_is_rebuilt_in_a_new_sampler_proposes_the_same():
    study, running = study_with(model(3)), []
    for _ in range(40):
        rebuilt = study_with(model(3))
        rebuilt.add_trials(study.get_trials())
        asked, again = study.ask(), rebuilt.ask()
        running.append((asked, conditional(asked)))
        conditional(again)
        assert again.params == asked.params
        go_on(study, running)


def test_one_sampler_in_two_studies_proposes_what_two_samplers_would():
    shared, alone = model(), [study_with(model()), study_with(model(), "minimize")]
    together = [study_with(shared), study_with(shared, "minimize")]
    for _ in range(25):
        for study in (*alone, *together):
            trial = study.ask()
            study.tell(trial, conditional(trial))
    for one, other in zip(alone, together, strict=True):
        assert [trial.params for trial in one.trials] == [trial.params for trial in other.trials]


def test_a_pickled_sampler_proposes_the_same():
    study = study_with(model())
    study.optimize(conditional, n_trials=20)
    copy = study_with(pickle.loads(pickle.dumps(study.sampler)))
    copy.add_trials(study.trials)
    assert copy.ask(UNIT).params == study.ask(UNIT).params


def test_trials_may_run_in_threads():
    study = study_with(KdeSampler(0))
    study.optimize(conditional, n_trials=40, n_jobs=4)
    assert len(study.trials) == 40


def test_values_that_are_asked_for_are_taken():
    study = study_with(KdeSampler(0))
    study.enqueue_trial({"letter": "b", "x": 0.25})
    study.optimize(conditional, n_trials=1)
    assert study.trials[0].params["x"] == 0.25


def test_several_objectives_are_refused():
    study = optuna.create_study(sampler=KdeSampler(0), directions=["minimize", "minimize"])
    with pytest.raises(ValueError, match="multi-objective"):
        study.ask(UNIT)


@pytest.mark.parametrize("words", [{"seed": -1}, {"random_fraction": 1.5}, {"good_fraction": 0.0}])
def test_impossible_words_are_named(words):
    (name,) = words
    with pytest.raises(ValueError, match=name):
        KdeSampler(**words)


def test_choices_that_were_others_before_are_learned_where_they_are_still_allowed():
    """Optuna's own relative sampling raises here."""
    study = study_with(model())
    before, now = (CategoricalDistribution(one) for one in (("a", "b", "c"), ("d", "a", "b")))
    for letter in "abc" * 8:
        add(study, {"letter": letter}, {"letter": before}, value=float(letter == "a"))
    proposed = [params["letter"] for params in proposals(study, {"letter": now}, 20)]
    assert proposed.count("a") > 10


def test_where_only_forbidden_choices_were_good_all_that_are_allowed_come():
    study = study_with(model())
    before, now = (CategoricalDistribution(one) for one in (("a", "b", "c"), ("b", "c")))
    for letter in "abc" * 8:
        add(study, {"letter": letter}, {"letter": before}, value=float(letter == "a"))
    assert {params["letter"] for params in proposals(study, {"letter": now}, 20)} == {"b", "c"}


def test_a_narrower_range_than_before_is_kept_and_learned():
    study = study_with(model())
    for number in range(40):
        x = number / 40
        add(study, {"x": x}, UNIT, value=-abs(x - 0.3))
    narrow = {"x": FloatDistribution(0.25, 0.45)}
    proposed = np.array([params["x"] for params in proposals(study, narrow, 40)])
    assert ((proposed >= 0.25) & (proposed <= 0.45)).all()
    assert np.median(abs(proposed - 0.3)) < 0.04


def test_a_parameter_whose_kind_changed_is_random_and_the_others_are_learned():
    study = study_with(model())
    for number in range(24):
        letter = "ab"[number % 2]
        kind = UNIT["x"] if number < 12 else CategoricalDistribution((0.0, 1.0))
        x = float(number % 2) if number >= 12 else number / 12
        space = {**LETTER, "x": kind}
        add(study, {"letter": letter, "x": x}, space, value=float(letter == "a"))
    asked = proposals(study, {**LETTER, **UNIT}, 20)
    assert sum(params["letter"] == "a" for params in asked) >= 18
    assert np.ptp([params["x"] for params in asked]) > 0.5


def test_a_space_that_grew_is_learned_from_old_trials_too():
    study = study_with(model())
    for number in range(20):
        letter = "ab"[number % 2]
        words = {"value": float(letter == "a"), "system_attrs": {"from": "an earlier search"}}
        add(study, {"letter": letter}, LETTER, **words)
    grown = {**LETTER, **UNIT}
    for _ in range(20):
        trial = study.ask(grown)
        study.tell(trial, float(trial.params["letter"] == "a") + trial.params["x"])
    late = [trial.params for trial in study.trials[30:]]
    assert sum(params["letter"] == "a" for params in late) >= 8
    assert np.mean([params["x"] for params in late]) > 0.6


def test_a_parameter_of_one_value_is_set():
    study = study_with(model())
    space = {"one": CategoricalDistribution(("only",)), "same": IntDistribution(3, 3), **LETTER}
    for _ in range(20):
        trial = study.ask(space)
        study.tell(trial, float(trial.params["letter"] == "a"))
    assert study.trials[-1].params["one"] == "only"
    assert study.trials[-1].params["same"] == 3


def test_a_space_without_a_choice_can_be_asked():
    study = study_with(model())
    for _ in range(12):
        study.tell(study.ask({"same": IntDistribution(3, 3)}), 0.5)
    assert study.ask({"same": IntDistribution(3, 3)}).params == {"same": 3}


def test_good_are_the_best_15_per_cent_but_three_at_least_and_never_all():
    random = np.random.default_rng(0)
    for count, expected in ((100, 15), (20, 3), (10, 3), (4, 3), (3, 2)):
        points = np.arange(count, dtype=float)[:, None]
        good, bad = split(points, points[:, 0], 0.15, random)
        assert sorted(good[:, 0]) == list(range(count - expected, count))
        assert len(bad) == count - expected


def test_of_equal_scores_the_first_are_good():
    points = np.arange(20, dtype=float)[:, None]
    good, _ = split(points, np.zeros(20), 0.15, np.random.default_rng(0))
    assert list(good[:, 0]) == [0, 1, 2]


def test_only_so_many_bad_points_are_looked_at_and_none_twice():
    points = np.arange(5000, dtype=float)[:, None]
    good, bad = split(points, points[:, 0], 0.15, np.random.default_rng(0))
    assert len(np.unique(bad)) == len(bad) == MOST_BAD
    assert bad.max() < good.min()


def test_the_candidate_wins_that_good_points_are_nearer_to_than_bad_ones():
    """Half of the good points lie among the bad ones."""
    good = np.array([[0.2], [0.25], [0.75], [0.8]])
    bad = np.linspace(0.1, 0.35, 40)[:, None]
    for seed in range(10):
        random = np.random.default_rng(seed)
        assert likeliest([dimension_of([UNIT["x"]])], good, bad, 1, random) > 0.5


@pytest.mark.parametrize(
    ("value", "distribution", "expected"),
    [
        (3.4, IntDistribution(1, 9), 3),
        (3.4, IntDistribution(1, 9, step=4), 5),
        (0.42, FloatDistribution(0.0, 1.0, step=0.25), 0.5),
        (0.7, FloatDistribution(0.1, 0.7, step=0.2), 0.7),
        (2, FloatDistribution(0.0, 3.0), 2.0),
        (1, CategoricalDistribution((True, 1)), 1),
    ],
)
def test_a_value_is_written_as_the_distribution_writes_it(value, distribution, expected):
    written = allowed(value, distribution)
    assert written == expected
    assert type(written) is type(expected)


@pytest.mark.parametrize(
    ("value", "distribution"),
    [
        (9.6, IntDistribution(1, 9)),
        (-0.1, FloatDistribution(0.0, 1.0)),
        ("a", FloatDistribution(0.0, 1.0)),
        (1, CategoricalDistribution((True, "a"))),
    ],
)
def test_a_value_that_the_distribution_lacks_is_not_allowed(value, distribution):
    with pytest.raises(LookupError):
        allowed(value, distribution)


@st.composite
def floats(draw):
    low = draw(st.floats(0.01, 10.0))
    high = low + draw(st.floats(0.0, 100.0))
    return FloatDistribution(low, high, log=draw(st.booleans()))


@st.composite
def integers(draw):
    low = draw(st.integers(1, 20))
    is_log = draw(st.booleans())
    step = 1 if is_log else draw(st.integers(1, 4))
    return IntDistribution(low, low + step * draw(st.integers(0, 200)), log=is_log, step=step)


CHOICES = st.lists(st.sampled_from([None, True, 1, 0.5, "a", "b"]), min_size=1, unique_by=repr)
PARAMETER = floats() | integers() | CHOICES.map(tuple).map(CategoricalDistribution)
SPACE = st.dictionaries(st.sampled_from("xyz"), PARAMETER)


@settings(deadline=None, max_examples=50)
@given(st.lists(SPACE, min_size=1, max_size=4), st.integers(0, 100), st.booleans())
def test_whatever_spaces_trials_had_each_gets_values_of_its_own(spaces, seed, are_pruned):
    study = study_with(model(seed))
    for number in range(24):
        space = spaces[number % len(spaces)]
        params = study_with(optuna.samplers.RandomSampler(seed=number)).ask(space).params
        value = float(number % 7)
        if are_pruned:
            add(study, params, space, {1: value}, state=TrialState.PRUNED)
        else:
            add(study, params, space, value=value)
    history = study.trials
    for space in spaces:
        study = study_with(model(seed))
        study.add_trials(history)
        params = study.ask(space).params
        assert set(params) == set(space)
        for name, distribution in space.items():
            assert distribution._contains(distribution.to_internal_repr(params[name]))
