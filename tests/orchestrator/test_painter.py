"""The best trials are drawn, once each, and what cannot be drawn does no harm."""

import io
import shutil
import time
from contextlib import closing

import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from orchestrator.painter import DRAWN, Painter
from orchestrator.pictures import trial_pictures
from orchestrator.tensorboard import has_pictures
from trainable.store import ExperimentFolder

TAGS = {
    "accuracy",
    "confusion_of_classes",
    "confusion_of_tasks",
    "first_batch",
    "most_wrong_faces",
}


@pytest.fixture
def copied(searched, tmp_path) -> ExperimentFolder:
    """The search of five trials, of which nothing is drawn."""
    folder = ExperimentFolder(tmp_path / searched.folder.name)
    shutil.copytree(searched.folder.path, folder.path)
    shutil.rmtree(folder.tensorboard)
    return folder


def scored(searched):
    """Return the trials that have a score and did not fail, the best first."""
    ended = [
        trial
        for trial in searched.trials.values()
        if trial.best and trial.outcome.status != "failed"
    ]
    ended.sort(key=lambda trial: trial.best.score, reverse=True)
    return [trial.record.trial for trial in ended]


def logged(folder, trial):
    accumulator = EventAccumulator(str(folder.tensorboard / trial), size_guidance={"images": 0})
    return accumulator.Reload()


def test_a_search_draws_its_best_trials_at_their_best_epoch(searched):
    for trial in scored(searched)[:DRAWN]:
        events = logged(searched.folder, trial)
        assert set(events.Tags()["images"]) == TAGS
        assert not TAGS & set(events.Tags()["scalars"])
        for tag in TAGS:
            [image] = events.Images(tag)
            assert image.step == searched.trials[trial].best.epoch
            picture = Image.open(io.BytesIO(image.encoded_image_string))
            assert picture.size == (image.width, image.height)


def test_a_trial_without_a_score_is_not_drawn(searched):
    [lost] = [name for name, trial in searched.trials.items() if not trial.best]
    assert not has_pictures(searched.folder.tensorboard, lost)


def test_the_first_batch_is_what_each_network_sees(searched, copied):
    trial = copied.trial(scored(searched)[0])
    record = trial.read().record
    tree = record.config.model_dump()
    tree["members"] = {"settings": {"a": {}, "b": {"model.heads": "age"}}, "vote": "task"}
    trial.write_record(record.model_copy(update={"config": type(record.config)(**tree)}))
    first = {tag for tag in trial_pictures(trial) if tag.startswith("first_batch")}
    assert first == {"first_batch/a", "first_batch/b"}


def test_a_trial_for_one_task_has_no_picture_of_all_classes(searched, copied):
    trial = copied.trial(scored(searched)[0])
    record = trial.read().record
    config = record.config.with_values({"model.heads": "age"})
    trial.write_record(record.model_copy(update={"config": config}))
    assert set(trial_pictures(trial)) == TAGS - {"confusion_of_classes"}


def test_only_the_best_are_drawn(searched, copied):
    first = scored(searched)[0]
    with closing(Painter(copied)) as painter:
        painter.ended(first, [*(f"other-{number}" for number in range(DRAWN)), first])
        painter.finish([])
    assert not copied.tensorboard.exists()


def test_a_trial_that_goes_on_and_ends_again_is_drawn_anew_and_not_twice(searched, copied):
    best = scored(searched)
    for _ in range(2):
        with closing(Painter(copied)) as painter:
            painter.ended(best[0], best)
            painter.finish(best[:1])
    assert len(list((copied.tensorboard / best[0]).glob("*.pictures"))) == 1
    assert len(logged(copied, best[0]).Images("accuracy")) == 1


def test_what_an_earlier_driver_did_not_draw_is_drawn_at_the_end(searched, copied):
    best = scored(searched)
    with closing(Painter(copied)) as painter:
        painter.finish(best)
    assert all(has_pictures(copied.tensorboard, trial) for trial in best[:DRAWN])


def test_a_trial_that_cannot_be_drawn_is_told_once_and_the_others_are_drawn(
    searched, copied, capsys
):
    best = scored(searched)
    assert len(best) > 2
    for trial in best[:2]:
        (copied.trial(trial).path / "validation.npz").write_bytes(b"damaged")
    with closing(Painter(copied)) as painter:
        painter.finish(best)
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1
    assert f"note: {best[0]}: cannot read" in told[0]
    assert has_pictures(copied.tensorboard, best[2])


def test_a_full_disk_is_told_and_leaves_no_half_picture(searched, copied, capsys, disk_full_after):
    best = scored(searched)
    with disk_full_after(1000), closing(Painter(copied)) as painter:
        painter.finish(best[:1])
    assert "cannot store" in (told := capsys.readouterr().err)
    assert ".pictures: File too large" in told
    assert "images" not in {k for k, tags in logged(copied, best[0]).Tags().items() if tags}


def test_nothing_is_waited_for_when_the_time_is_over(searched, copied):
    best, started = scored(searched), time.monotonic()
    with closing(Painter(copied)) as painter:
        painter.finish(best, until=time.time() - 1)
        assert time.monotonic() - started < 0.5
