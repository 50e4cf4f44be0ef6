"""Planted labels are wrong in the copy alone, and only those found among the first count."""

from pathlib import Path

import pandas as pd
import pytest

from analysis.suspects import Suspect
from benchmarks.wrong_labels.__main__ import counts
from benchmarks.wrong_labels.plant import Planted, plant, plant_in_table
from trainable.table import read_table


@pytest.fixture
def planted(faces_root, tmp_path):
    return plant(faces_root, tmp_path / "copy", 0.25, seed=0)


def test_copy_differs_in_the_planted_genders_alone(planted, faces_root, tmp_path):
    before, after = (
        read_table(faces_root).images,
        read_table(tmp_path / "copy", follow_links=True).images,
    )
    differing = before["person"][before["gender"] != after["gender"]]
    assert set(differing) == planted.gender
    assert before["age"].equals(after["age"])
    assert len(planted.gender) == 6


def test_swapped_images_are_the_other_s_files(planted, faces_root, tmp_path):
    assert len(planted.swapped) == 3
    assert not planted.swapped & planted.gender
    for person in read_table(faces_root).images["person"].unique():
        first, second = (
            contents(root / "train" / "images" / person) for root in (faces_root, tmp_path / "copy")
        )
        if person in planted.swapped:
            first["normal"], first["incorrect_mask"] = first["incorrect_mask"], first["normal"]
        assert first == second


def contents(folder: Path) -> dict[str, bytes]:
    return {file.stem: file.read_bytes() for file in folder.iterdir()}


def test_planted_ones_are_counted_among_as_many_as_there_are():
    planted = Planted(frozenset({"a", "b"}), frozenset({"c"}))
    order = [("a", "gender"), ("x", "gender"), ("c", "gender"), ("c", "swapped"), ("b", "gender")]
    suspects = [Suspect(person, kind, 30, "", "", 0.5, {}) for person, kind in order]
    rows = pd.DataFrame(counts(suspects, planted)).set_index("labels")
    assert rows["planted among as many first"].to_dict() == {"gender": 1, "swapped": 1, "all": 1}
    assert rows["of them planted"].to_dict() == {"gender": 2, "swapped": 1, "all": 3}
    assert rows.loc["all", "share"] == pytest.approx(1 / 3)


def test_labels_planted_in_a_table_are_those_of_the_drawn_persons(faces_root):
    before = read_table(faces_root).images
    after, planted = plant_in_table(before, 0.25, seed=0)
    differing = before["person"][before["label"] != after["label"]].value_counts()
    assert set(differing.index[differing == 7]) == planted.gender
    assert set(differing.index[differing == 2]) == planted.swapped
    assert differing.size == 9
