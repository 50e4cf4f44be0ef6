"""What was asked, of which data and by which code, is written down before it is tried."""

import numpy as np
import pytest

from trainable.dataset import load_data
from trainable.experiment import (
    RECORDED_PACKAGES,
    Asked,
    add_start,
    check_same_data,
    start_experiment,
    versions,
)
from trainable.records import Resumption
from trainable.settings import UserError
from trainable.store import ExperimentFolder, create_experiment, now

ASKED = Asked(
    "Which?",
    "orchestrator.search",
    ["space=loss_aug"],
    {"search": {"trials": 3}},
    {"optim.lr": "{}"},
)


@pytest.fixture
def started(tiny, tmp_path) -> ExperimentFolder:
    folder = ExperimentFolder(tmp_path / "faces")
    folder.path.mkdir()
    start_experiment(folder, ASKED, [load_data(tiny.data)])
    return folder


def test_record_tells_the_question_the_words_and_the_data(tiny, started):
    record = started.read_record()
    assert (record.question, record.words, record.space) == ("Which?", ASKED.words, ASKED.space)
    assert record.data_root == tiny.data.root
    assert record.data_fingerprint == load_data(tiny.data).fingerprint
    assert record.skipped_images == []


def test_rows_of_probabilities_find_their_images(tiny, started):
    data = load_data(tiny.data)
    assert np.array_equal(started.read_images()["label"], data.images["label"])
    assert list(started.read_images()["person"]) == list(data.images["person"])
    assert list(started.read_eval_images()["ImageID"]) == list(data.eval_images["ImageID"])


def test_versions_of_what_the_numbers_depend_on_are_kept(started):
    assert set(started.read_record().versions) == {"code", *RECORDED_PACKAGES}
    assert started.read_record().versions == versions()


def test_same_images_elsewhere_are_the_same_data(started, own_faces, tiny):
    check_same_data(started, load_data(tiny.data.model_copy(update={"root": str(own_faces)})))


def test_changed_data_are_refused(started, own_faces, tiny):
    file = own_faces / "train" / "train.csv"
    file.write_text(file.read_text().replace(",19,", ",31,", 1))
    changed = load_data(tiny.data.model_copy(update={"root": str(own_faces)}))
    with pytest.raises(UserError, match=f"{own_faces} have changed since faces was started"):
        check_same_data(started, changed)


def test_resumed_experiment_remembers_each_start_and_what_had_changed(started):
    again = Resumption(
        at=now(), words=["search.trials=40"], data_fingerprint="other", changes=["the data"]
    )
    add_start(started, again)
    record = started.read_record()
    assert (len(record.started), record.started[-1]) == (2, again.at)
    assert (record.words, record.data_fingerprint) == (again.words, "other")
    assert record.resumed == [again]


def test_corrected_labels_and_faceless_images_of_every_network_are_counted(tiny, tmp_path):
    person = load_data(tiny.data).images["person"].iloc[0]
    (tmp_path / "fixes.csv").write_text(f"id,field,value\n{person},age,44\n")
    fixed = tiny.with_values({"data.label_fixes": str(tmp_path / "fixes.csv")})
    first = load_data(tiny.data).images["image"].iloc[0]
    (tmp_path / "boxes.csv").write_text(f"image,left,top,right,bottom\n{first},1,1,30,30\n")
    cropped = tiny.with_values({"data.face_boxes": str(tmp_path / "boxes.csv")})
    seen = [load_data(config.data) for config in (tiny, fixed, cropped)]
    folder = create_experiment(tmp_path / "runs", "faces")
    start_experiment(folder, ASKED, seen)
    record = folder.read_record()
    assert record.fixed_labels == 7
    assert len(record.faceless_images) == len(seen[0].images) + len(seen[0].eval_images) - 1
    assert first not in record.faceless_images
