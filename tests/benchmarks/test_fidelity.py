"""Searches over recorded folds: what they see, what they pay, and what their choices are worth."""

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from benchmarks.fidelity.__main__ import app
from benchmarks.fidelity.contenders import (
    BOTH,
    CONTENDERS,
    FIFO,
    IN_TURN,
    ONE,
    PROMOTE,
    TOGETHER,
    Contender,
    in_turn,
    together,
)
from benchmarks.fidelity.figures import (
    COMPARED,
    Comparison,
    compare,
    error_over_configurations,
    make_lines,
    person_worths,
    ranking_of_halves,
    rankings,
)
from benchmarks.fidelity.plays import Order, budgets, draw_orders, play, play_all
from benchmarks.fidelity.record import HELD_OUT, Recorder, draw, hold_out, record
from benchmarks.fidelity.recorded import read_recordings
from benchmarks.schedulers.figures import Estimate
from trainable.metrics import macro_f1
from trainable.settings import UserError
from trainable.table import read_table

EPOCHS, FOLDS, PERSONS, CLASSES = 8, 5, 18, 18
QUALITIES = (0.1, 0.3, 0.5, 0.7, 0.9, 0.2)


def guessed(labels, share, random):
    """Probabilities (..., N, 18) that are right for a share of the images."""
    is_right = random.random(labels.shape) < share
    guess = np.where(is_right, labels, random.integers(0, CLASSES, labels.shape))
    return np.eye(CLASSES, dtype=np.float16)[guess]


def write_recording(file, quality, **changes):
    """Write a configuration that is right the more often the longer it trains, and the better."""
    random = np.random.default_rng(int(1000 * quality))
    labels, held_out = np.arange(FOLDS * PERSONS) % CLASSES, np.arange(3 * PERSONS) % CLASSES
    shares = [quality * epoch / EPOCHS for epoch in range(1, EPOCHS + 1)]
    arrays = {
        "val": np.stack([guessed(labels, share, random) for share in shares]),
        "ev": np.stack(
            [[guessed(held_out, share, random) for _ in range(FOLDS)] for share in shares]
        ),
        "rows": np.arange(len(labels)),
        "lens": [PERSONS] * FOLDS,
        "values": json.dumps({"optim.lr": quality}),
        "ok": True,
        "labels": labels,
    }
    np.savez(file, **(arrays | changes))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recorded")
    for number, quality in enumerate(QUALITIES):
        write_recording(folder / f"{number:03d}.npz", quality)
    images = range(3 * PERSONS)
    rows = [(f"{image}.jpg", 0, image % CLASSES, f"person {image // 3}") for image in images]
    table = pd.DataFrame(rows, columns=["ImageID", "ans", "label", "person"])
    table.to_csv(folder / HELD_OUT, index=False)
    return folder


@pytest.fixture(scope="module")
def recordings(folder):
    return read_recordings(folder).recordings


@pytest.fixture(scope="module")
def orders(recordings):
    return draw_orders(recordings, pool=4, count=12, seed=0)


@pytest.fixture(scope="module")
def limits(recordings):
    return budgets(4, recordings[0], (1 / 3, 1))


@pytest.fixture(scope="module")
def choices(orders, limits):
    return play_all(CONTENDERS, orders, limits, slots=2)


def test_score_is_over_the_persons_of_the_networks_folds_alone(recordings, folder):
    arrays = np.load(folder / "003.npz")
    rows = [*range(PERSONS), *range(3 * PERSONS, 4 * PERSONS)]
    by_hand = macro_f1(arrays["labels"][rows], arrays["val"][4].argmax(-1)[rows])
    one = recordings[3]
    assert one.score(one.trained([3, 0], 5)) == by_hand


def test_networks_answer_with_their_mean_probabilities(recordings, folder):
    mean = np.load(folder / "004.npz")["ev"][7, [1, 2, 4]].astype(np.float32).mean(0)
    one = recordings[4]
    assert (one.answers(one.trained([4, 2, 1], 8)) == mean.argmax(-1)).all()


def test_folds_in_turn_cost_the_first_ones_epochs_and_its_best_for_each_other(recordings):
    for one in recordings:
        folds = (2, 0, 4, 1, 3)
        steps, best = list(in_turn(one, folds)), one.best(folds[:1]).epoch
        assert sum(step.cost for step in steps) == EPOCHS + 4 * best
        assert [step.networks for step in steps[EPOCHS:] if step.networks] == [
            one.trained(folds[:count], best) for count in (2, 3, 4, 5)
        ]
        assert {step.number for step in steps if step.networks} >= {8, 16, 24, 32, 40}
        assert sum(step.cost for step in together(one, folds)) == EPOCHS * FOLDS


@pytest.mark.parametrize(
    ("fidelity", "levels"),
    [(TOGETHER, (2, 6)), (ONE, (2, 6)), (IN_TURN, (8, 24)), (BOTH, (2, 8, 24))],
)
def test_rungs_are_those_of_the_projects_own_defaults(fidelity, levels):
    assert Contender(fidelity, PROMOTE).make_rule(EPOCHS, FOLDS).levels == levels


def test_no_search_costs_more_than_its_budget(choices):
    for (limit, contender), chosen in choices.items():
        assert max(choice.cost for choice in chosen) <= limit, contender.title


def test_budget_is_used_up_as_long_as_anything_is_left_to_do(choices, limits):
    for fidelity in (TOGETHER, IN_TURN):
        spent = [choice.cost for choice in choices[limits[0], Contender(fidelity, PROMOTE)]]
        assert min(spent) > limits[0] - FOLDS


def test_search_that_trains_all_chooses_the_best_score(choices, orders, limits):
    for order, choice in zip(orders, choices[limits[1], Contender(TOGETHER, FIFO)], strict=True):
        best = max((one.best(one.folds) for one in order.pool), key=order_scores(order))
        assert choice.networks == best


def order_scores(order):
    known = {one.name: one for one in order.pool}
    return lambda networks: known[networks.configuration].score(networks)


def test_winner_on_one_fold_pays_for_its_other_folds(recordings):
    order = Order(recordings[3:5], (4, 3, 2, 1, 0))
    choice = play(Contender(ONE, FIFO), order, limit=2 * EPOCHS + 4 * EPOCHS, slots=1)
    best = max((one.best([4]) for one in order.pool), key=order_scores(order))
    assert choice.networks == best._replace(folds=(0, 1, 2, 3, 4))
    assert choice.cost == 2 * EPOCHS + 4 * best.epoch


def test_more_folds_come_first_unless_only_shared_ones_count(recordings):
    """The good one comes second, and has only its first fold when the budget is over."""
    order = Order([recordings[3], recordings[4]], (0, 1, 2, 3, 4))
    first_cost = EPOCHS + 4 * recordings[3].best([0]).epoch
    search = (Contender(IN_TURN, FIFO), order, first_cost + EPOCHS, 1)
    assert play(*search).networks.configuration == recordings[3].name
    shared = play(*search, shared=True).networks
    assert shared == recordings[4].best([0])


def test_orders_are_pools_without_repetition_and_the_same_for_a_seed(recordings, orders):
    again = draw_orders(recordings, pool=4, count=12, seed=0)
    assert [order.folds for order in orders] == [order.folds for order in again]
    assert all(len({one.name for one in order.pool}) == 4 for order in orders)
    assert len({tuple(one.name for one in order.pool) for order in orders}) > 6


def test_persons_who_all_count_once_give_the_macro_f1(recordings):
    known = {one.name: one for one in recordings}
    networks = [one.best([0, 3]) for one in recordings]
    found = person_worths(networks, known, np.ones((1, PERSONS), np.float32))[0]
    assert found == pytest.approx([known[one.configuration].worth(one) for one in networks])


def test_contender_that_chooses_better_is_found_to(recordings, orders, limits):
    """Every second contender gets the best configuration, every first one the worst."""
    known = {one.name: one for one in recordings}
    best, worst = (
        play(Contender(TOGETHER, FIFO), Order([known[name]], range(FOLDS)), limits[0], 1)
        for name in ("004", "000")
    )
    title, second, _ = COMPARED[0]
    choices = {(limits[0], contender): [worst] * len(orders) for contender in CONTENDERS}
    choices[limits[0], second] = [best] * len(orders)
    found = {one.title: one for one in compare(choices, orders, limits[0])}
    gain = known["004"].worth(best.networks) - known["000"].worth(worst.networks)
    assert found[title].difference == Estimate(pytest.approx(gain), pytest.approx(0))
    assert found[title].interval[0] > 0
    assert found[title].verdict == "better"
    assert found[COMPARED[1][0]].interval == pytest.approx((0, 0))
    assert found[COMPARED[1][0]].verdict == "cannot tell"


def test_difference_within_the_error_over_configurations_is_luck():
    certain = {"difference": Estimate(0.03, 0.001), "interval": (0.02, 0.04)}
    verdicts = [
        Comparison("?", configurations=error, **certain).verdict
        for error in (0.01, 0.02, float("nan"))
    ]
    assert verdicts == ["better", "cannot tell", "cannot tell"]


def test_error_over_configurations_is_the_jackknifes(recordings):
    pools = [(0, 1), (0, 2), (1, 2)]
    orders = [Order([recordings[number] for number in pool], (0,)) for pool in pools]
    # Without one of the three the means are 3, 2 and 1: variance 2/3, times n - 1.
    found = error_over_configurations(np.array([1.0, 2.0, 3.0]), orders)
    assert found == pytest.approx((2 * 2 / 3) ** 0.5)
    assert np.isnan(error_over_configurations(np.array([1.0]), orders[:1]))


def test_regret_is_against_the_best_of_the_pool(choices, orders, limits):
    for line in make_lines(choices, orders, limits[1]):
        best = np.mean([max(one.whole_worth() for one in order.pool) for order in orders])
        assert line.regret.mean == pytest.approx(best - line.worth.mean)


def test_more_epochs_rank_these_configurations_better(recordings):
    found = {(one.folds, one.epoch): one for one in rankings(recordings, (1, 5), (1, EPOCHS))}
    assert found[1, EPOCHS].mean > found[1, 1].mean
    assert found[5, EPOCHS].mean > found[5, 1].mean
    assert found[5, EPOCHS].low == found[5, EPOCHS].high
    assert 0.3 < ranking_of_halves(recordings) <= 1


def test_what_is_damaged_or_diverged_is_named_and_left_out(folder, tmp_path):
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    write_recording(tmp_path / "000.npz", 0.1, ok=False)
    (tmp_path / "001.npz").write_bytes(b"PK half")
    table = read_recordings(tmp_path)
    assert [one.name for one in table.recordings] == ["002", "003", "004", "005"]
    assert [reason.partition(":")[0] for reason in table.left_out] == ["000.npz", "001.npz"]


def test_folder_of_something_else_is_refused(tmp_path):
    with pytest.raises(UserError, match=HELD_OUT):
        read_recordings(tmp_path)


def test_tables_fit_into_80_columns(folder):
    words = ["replay", "--recorded", str(folder), "--orders", "3"]
    shown = CliRunner().invoke(app, words, catch_exceptions=False)
    assert shown.exit_code == 0
    assert max(len(line) for line in shown.stdout.splitlines()) <= 80
    assert "…" not in shown.stdout
    assert "epochs, then folds, promote" in shown.stdout


@pytest.fixture(scope="module")
def held_back(faces_root, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    hold_out(faces_root, out, 0.25)
    return out


def test_held_out_persons_are_never_trained_on(held_back, faces_root):
    trained = set(read_table(held_back / "data", follow_links=True).images["person"])
    table = pd.read_csv(held_back / HELD_OUT)
    assert trained.isdisjoint(table["person"])
    everybody = read_table(faces_root).images
    assert trained | set(table["person"]) == set(everybody["person"])
    assert len(set(table["person"])) == 6
    assert sorted(table["label"].unique()) == list(range(CLASSES))


def test_another_split_in_the_same_folder_is_refused(held_back, faces_root):
    hold_out(faces_root, held_back, 0.25)
    with pytest.raises(UserError, match="--hold-out"):
        hold_out(faces_root, held_back, 0.5)


def test_recorded_configuration_is_read_back(held_back):
    recorder = Recorder(held_back, epochs=1, folds=2)
    for number, values in enumerate(draw(recorder.base(), 2)):
        record(recorder, held_back / f"{number:03d}.npz", values)
    table = read_recordings(held_back)
    assert table.left_out == []
    first = table.recordings[0]
    assert first.values == draw(recorder.base(), 5)[0]
    assert sum(len(part) for part in first.truth) == 18 * 7
    assert first.probabilities.shape == (1, 2, 6 * 7, CLASSES)
    assert 0 <= first.worth(first.best([0, 1])) <= 1
