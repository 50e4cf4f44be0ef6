"""What steps took tells what they will take, and guesses are rather too long than too short."""

import numpy as np
import pytest

from orchestrator.kind import kind_of
from orchestrator.pace import FIRST_ERROR, REMEMBERED, Pace, pace_of_earlier, predicts_after
from trainable.arrays import Probabilities
from trainable.config import TrialConfig
from trainable.records import EpochRecord, ExperimentRecord, MachineRecord, TrialRecord
from trainable.store import create_experiment, experiment_of

BASE = TrialConfig()


def kind(**values):
    return kind_of(BASE.with_values({path.replace("__", "."): v for path, v in values.items()}))


SMALL, LARGE = kind(), kind(data__image_height=192)
OTHER = kind(model__backbone="resnet10t")


def learnt(seconds, of=SMALL):
    pace = Pace()
    for one in seconds:
        pace.learn(of, one)
    return pace


def seeded(*seeds):
    pace = Pace()
    for of, seconds in seeds:
        pace.seed(of, seconds, start_seconds=0.5, seconds_per_image=0.001)
    return pace


def test_nothing_is_known_before_anything_was_measured():
    pace = Pace()
    assert pace.step_seconds(SMALL) is None
    assert pace.start_seconds(SMALL) is None
    assert pace.seconds_per_image() is None


@pytest.mark.parametrize("seconds", [[30, 10], [30, 10, 10], [10, 11, 9, 10, 60, 10]])
def test_a_slow_first_epoch_or_one_among_several_does_not_count(seconds):
    assert learnt(seconds).step_seconds(SMALL) == 10


def test_a_machine_that_became_slower_is_believed_after_a_while():
    pace = learnt([10] * 50)
    for seconds in range(REMEMBERED):
        assert pace.step_seconds(SMALL) == (10 if seconds <= REMEMBERED // 2 else 20)
        pace.learn(SMALL, 20)


def test_epochs_with_a_frozen_backbone_teach_nothing():
    frozen, pace = kind(optim__freeze_epochs=2), Pace()
    for epoch, seconds in enumerate([3, 3, 10], start=1):
        pace.learn(frozen, seconds, epoch)
    assert pace.step_seconds(frozen) == 10


def test_larger_images_take_as_much_longer_as_they_are_larger():
    assert learnt([10]).step_seconds(LARGE) == pytest.approx(20)


def test_smaller_images_are_taken_to_be_no_faster():
    assert learnt([10], LARGE).step_seconds(SMALL) == 10


def test_of_several_that_tell_at_most_how_long_the_least_counts():
    pace = learnt([10])
    pace.learn(LARGE, 15)
    between = kind(data__image_height=144)
    assert pace.step_seconds(between) == pytest.approx(15)
    assert pace.step_seconds(kind(data__image_height=384)) == pytest.approx(30)


def test_an_unknown_backbone_is_taken_for_the_slowest():
    pace = learnt([10])
    pace.learn(OTHER, 25)
    assert pace.step_seconds(kind(model__backbone="lcnet_050")) == 25


def test_an_estimate_of_a_step_counts_as_one_measurement():
    pace = seeded((SMALL, 10))
    assert pace.step_seconds(SMALL) == 10
    pace.learn(SMALL, 30)  # a process's first epoch is slow
    assert pace.step_seconds(SMALL) == 10
    pace.learn(SMALL, 14)
    assert pace.step_seconds(SMALL) == 14


def test_estimates_are_corrected_by_as_much_as_others_were_off():
    pace = seeded((SMALL, 10), (OTHER, 30))
    pace.learn(SMALL, 14)
    pace.learn(SMALL, 14)
    assert pace.step_seconds(OTHER) == pytest.approx(42)


def test_a_process_that_had_to_start_does_not_multiply_the_starts_of_others():
    pace = seeded((SMALL, 10), (OTHER, 30))
    pace.learn_start(SMALL, 8)
    assert pace.start_seconds(OTHER) == 8


def test_start_of_a_kind_that_was_not_measured_is_the_slowest_known():
    pace = Pace()
    pace.learn_start(SMALL, 2)
    pace.learn_start(OTHER, 5)
    assert pace.start_seconds(SMALL) == 2
    assert pace.start_seconds(LARGE) == 5


def test_a_new_process_is_told_from_one_that_has_begun():
    pace = Pace()
    for seconds in (12, *[0.5] * 20, 0.3, 1):
        pace.learn_start(SMALL, seconds)
    assert (pace.quickest_start(), pace.slowest_start()) == (0.3, 12)


def test_before_any_start_was_measured_estimates_tell_of_starts():
    pace = Pace()
    assert (pace.quickest_start(), pace.slowest_start()) == (0, 0)
    pace.seed(SMALL, 10, 2, 0.1)
    assert (pace.quickest_start(), pace.slowest_start()) == (2, 2)


def test_predicting_is_reckoned_as_with_the_slowest_kind():
    pace = Pace()
    pace.learn_prediction(SMALL, 0.001)
    pace.learn_prediction(OTHER, 0.004)
    assert pace.seconds_per_image() == 0.004


def test_spread_is_the_error_of_estimates_made_before():
    pace = learnt([10, 12, 10])
    assert pace.spread == pytest.approx(((FIRST_ERROR**2 + 0.2**2 + 0) / 3) ** 0.5)


def test_steady_steps_bring_the_spread_down():
    assert Pace().spread == FIRST_ERROR
    assert learnt([10] * 100).spread == 0


def epoch(number, seconds):
    return EpochRecord(
        epoch=number,
        metrics={"macro_f1": 0.5},
        train_loss=1.0,
        lr=0.001,
        seconds={"data": 0.1, "step": seconds - 0.6, "validation": 0.5},
    )


def test_an_epoch_teaches_step_and_prediction():
    pace = Pace()
    pace.learn_epoch(SMALL, epoch(1, 10.0), validated=500)
    pace.learn_epoch(SMALL, epoch(2, 10.0), validated=0)
    assert pace.step_seconds(SMALL) == pytest.approx(10)
    assert pace.seconds_per_image() == pytest.approx(0.001)


MACHINE = MachineRecord(
    host="here",
    process=1,
    device="cpu",
    precision="float32",
    threads=1,
    torch="2.14",
    processor="x86_64 AVX512",
)


def write_experiment(runs, step_seconds, config=BASE, machine=MACHINE, *, data="faces"):
    """Store an experiment of one trial, which trained three epochs and predicted 100 images."""
    experiment = create_experiment(runs, "stored")
    experiment.write_record(
        ExperimentRecord(
            experiment=experiment.name,
            question="",
            command="",
            words=[],
            settings={},
            space={},
            data_root="",
            data_fingerprint=data,
            skipped_images=[],
            versions={},
            started=[f"2026-01-{len(list(runs.iterdir())):02}"],
        )
    )
    trial = experiment.trial("trial-001")
    trial.write_record(
        TrialRecord(
            trial=trial.name,
            config=config,
            values={},
            machine=machine,
            identity="",
            setup_seconds=0.5,
            started="",
        )
    )
    trial.write_epochs([epoch(number, step_seconds) for number in (1, 2, 3)])
    rows = np.arange(100, dtype=np.int32)
    trial.write_validation(Probabilities(rows, np.zeros((100, 18), np.float16)))
    return trial


def test_earlier_trials_are_estimates_of_step_start_and_prediction(tmp_path):
    write_experiment(tmp_path, 10)
    pace = pace_of_earlier(tmp_path, MACHINE.model_copy(update={"process": 2}), "faces")
    assert pace.step_seconds(SMALL) == pytest.approx(10)
    assert pace.start_seconds(SMALL) == pytest.approx(0.5)
    assert pace.seconds_per_image() == pytest.approx(0.005)
    pace.learn(SMALL, 12)
    pace.learn(SMALL, 12)
    assert pace.step_seconds(SMALL) == 12


def test_newest_of_the_earlier_trials_count(tmp_path):
    for seconds in [10] * 3 + [20] * 3:
        write_experiment(tmp_path, seconds)
    assert pace_of_earlier(tmp_path, MACHINE, "faces").step_seconds(SMALL) == pytest.approx(20)


@pytest.mark.parametrize(
    "differing",
    [
        {"data": "other faces"},
        {"machine": MACHINE.model_copy(update={"threads": 2})},
        {"machine": MACHINE.model_copy(update={"host": "there"})},
    ],
)
def test_trials_of_other_data_or_machines_tell_nothing(tmp_path, differing):
    write_experiment(tmp_path, 10, **differing)
    assert pace_of_earlier(tmp_path, MACHINE, "faces").step_seconds(SMALL) is None


def test_mixture_of_trials_tells_nothing_of_training(tmp_path):
    trial = write_experiment(tmp_path, 10)
    trial.write_record(trial.read().record.model_copy(update={"mixed_from": ["trial-002"]}))
    assert pace_of_earlier(tmp_path, MACHINE, "faces").step_seconds(SMALL) is None


def test_damaged_trials_are_left_out(tmp_path):
    write_experiment(tmp_path, 10)
    (write_experiment(tmp_path, 20).path / "trial.json").write_text("{")
    (write_experiment(tmp_path, 20).path / "validation.npz").write_bytes(b"")
    (experiment_of(write_experiment(tmp_path, 20)).path / "experiment.json").write_text("[]")
    assert pace_of_earlier(tmp_path, MACHINE, "faces").step_seconds(SMALL) == pytest.approx(10)


def test_no_runs_tell_nothing(tmp_path):
    pace = pace_of_earlier(tmp_path / "nowhere", MACHINE, "faces")
    assert pace.step_seconds(SMALL) is None


def test_folds_in_turn_predict_in_the_first_and_when_they_are_complete():
    config = BASE.with_values({"cv.folds": 3, "cv.fidelity": "folds", "train.epochs": 4})
    predicted = [step for step in range(1, 13) if predicts_after(config, step)]
    assert predicted == [1, 2, 3, 4, 8, 12]
    together = config.with_values({"cv.fidelity": "epochs"})
    assert all(predicts_after(together, step) for step in range(1, 5))


def test_earlier_trials_of_folds_in_turn_tell_what_an_image_of_one_fold_takes(tmp_path):
    config = BASE.with_values({"cv.folds": 2, "cv.fidelity": "folds", "train.epochs": 3})
    trial = write_experiment(tmp_path, 10, config)
    together, idle = epoch(6, 10.0), {"data": 0.1, "step": 9.9, "validation": 0.0}
    further = [epoch(step, 10.0).model_copy(update={"seconds": idle}) for step in (4, 5)]
    best = together.model_copy(update={"folds": 2, "metrics": {"macro_f1": 0.9}})
    trial.write_epochs([*trial.read_epochs(), *further, best])
    pace = pace_of_earlier(tmp_path, MACHINE, "faces")
    assert pace.seconds_per_image() == pytest.approx(0.5 / 50)
