"""An experiment from anyone runs no code, leaves its folder nowhere, and is named where it lies."""

import io
import json
import os
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from typer.testing import CliRunner

from analysis import ensemble, leaderboard, submissions
from orchestrator.config import SCHEMA, Asking
from orchestrator.journal import Journal
from orchestrator.resume import resumed
from trainable.arrays import read_arrays
from trainable.command_line import read_words
from trainable.config import ModelConfig
from trainable.fit import main as fit
from trainable.fitting import Fit
from trainable.model import check_backbone
from trainable.predict import main as predict
from trainable.recorded import RecordedFit, load_weights
from trainable.settings import UserError
from trainable.storage_errors import UnreadableFileError
from trainable.store import create_experiment, open_experiment

BEST = "trial-001"


class Touch:
    """Makes a file where it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = str(file)

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (self.file,)


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """What exists when hostile code has run."""
    return tmp_path / "hacked"


def run(app: object, search, *words: str) -> tuple[int, str]:
    where = ["--runs", str(search.path.parent)]
    found = CliRunner().invoke(app, [*where, *words], env={"COLUMNS": "200"})
    assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
    return found.exit_code, found.output


def npz(compression: int = zipfile.ZIP_STORED, **members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return buffer.getvalue()


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def npy_header(shape: str) -> bytes:
    header = f"{{'descr': '<f2', 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header


ROWS, VALUES = npy(np.arange(3)), npy(np.zeros((3, 18), np.float16))
HOSTILE_ARRAYS = {
    "pickle": lambda made: pickle.dumps(Touch(made)),
    "array of objects": lambda made: npz(rows=ROWS, values=npy(np.array([Touch(made)] * 3))),
    "bare array": lambda made: VALUES,
    "bare array of objects": lambda made: npy(np.array([Touch(made)])),
    "zip bomb": lambda made: npz(
        zipfile.ZIP_DEFLATED,
        rows=npy(np.zeros(1_000_000, np.int32)),
        values=npy(np.zeros((1_000_000, 18), np.float16)),
    ),
    "huge shape": lambda made: npz(rows=ROWS, values=npy_header("(1000000000000, 18)")),
    "deep header": lambda made: npz(rows=ROWS, values=npy_header("(" * 4000 + ")" * 4000)),
    "code as header": lambda made: npz(rows=ROWS, values=npy_header("__import__('os').abort()")),
    "text": lambda made: npz(rows=ROWS, values=npy(np.array(["a", "b", "c"]))),
    "rows of another length": lambda made: npz(rows=npy(np.arange(4)), values=VALUES),
    "no values": lambda made: npz(rows=ROWS),
    "empty": lambda made: b"",
}


@pytest.mark.parametrize("kind", HOSTILE_ARRAYS)
def test_hostile_array_file_runs_nothing_and_is_named(tmp_path, made, kind):
    file = tmp_path / "validation.npz"
    file.write_bytes(HOSTILE_ARRAYS[kind](made))
    with pytest.raises(UnreadableFileError, match=f"^cannot read {file}: "):
        read_arrays(file)
    assert not made.exists()


def test_hostile_predictions_stop_the_ensemble_and_are_named(search, made):
    for trial in search.trials():
        (trial.path / "validation.npz").write_bytes(pickle.dumps(Touch(made)))
    code, told = run(ensemble.app, search)
    assert (code, "error: cannot read " in told, "validation.npz" in told) == (2, True, True)
    assert not made.exists()


@pytest.fixture(scope="module")
def network(tiny) -> Fit:
    return Fit(tiny)


def weights_with(content: bytes) -> bytes:
    return struct.pack("<Q", len(content)) + content


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (pickle.dumps({"a": 1}), "cannot read"),
        (struct.pack("<Q", 2**62) + b"{}", "cannot read"),
        (weights_with(b'{"a":{"dtype":"F32","shape":[9],"data_offsets":[0,36]}}'), "cannot read"),
        (weights_with(b'{"a":{"dtype":"F32","shape":[0],"data_offsets":[-1,0]}}'), "cannot read"),
        (weights_with(b"[" * 100_000), "cannot read"),
        (weights_with(b"{}"), "holds no weights of this trial"),
    ],
)
def test_hostile_weights_are_named(tmp_path, network, content, complaint):
    file = tmp_path / "weights.safetensors"
    file.write_bytes(content)
    with pytest.raises(UnreadableFileError, match=complaint) as error:
        load_weights(network, file)
    assert str(file) in str(error.value)


def test_weights_of_other_shapes_are_named(tmp_path, network):
    file = tmp_path / "weights.safetensors"
    save_file({name: torch.zeros(2, 2) for name in network.weights()}, file)
    with pytest.raises(UnreadableFileError, match=f"{file} holds no weights of this trial"):
        load_weights(network, file)


def test_hostile_state_runs_nothing_and_the_trial_starts_anew(search, tiny, made):
    folder = search.trial("new")
    folder.path.mkdir()
    folder.state_file.write_bytes(pickle.dumps(Touch(made)))
    recorded = RecordedFit(tiny, folder, {})
    assert f"cannot read {folder.state_file}" in recorded.notice
    assert recorded.epochs == []
    assert not made.exists()


def test_lock_that_is_a_link_leaves_its_target_alone(search, tmp_path):
    (tmp_path / "diary").write_text("dear diary")
    trial = search.trial(BEST)
    (trial.path / ".lock").symlink_to(tmp_path / "diary")
    with pytest.raises(OSError, match="cannot store"), trial.held():
        pass
    assert (tmp_path / "diary").read_text() == "dear diary"


@pytest.mark.parametrize("name", ["../../x", "..", "/x", "a/b", "", "a\nb", "\x1b[2J", "a\0"])
def test_name_of_a_trial_that_is_a_path_is_refused(search, name):
    with pytest.raises(UserError, match="is no name of a trial"):
        search.trial(name)


@pytest.mark.parametrize("name", ["../x", "/x", "..", ".", "a\0b", "a\nb", "\x1b[2J", "n" * 256])
def test_search_name_that_is_no_folder_s_name_is_refused(tmp_path, name):
    with pytest.raises(UserError, match="choose a folder's name") as error:
        create_experiment(tmp_path / "runs", name)
    assert str(error.value).replace("\n", "").isprintable()
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("target", ["/", "../elsewhere", "..", "large/trial-001"])
def test_latest_that_leads_out_of_the_runs_folder_is_refused(search, tmp_path, target):
    other = tmp_path / "elsewhere"
    other.mkdir()
    (other / "experiment.json").write_bytes((search.path / "experiment.json").read_bytes())
    latest = search.path.parent / "latest"
    latest.unlink()
    latest.symlink_to(target)
    with pytest.raises(UserError, match="latest"):
        open_experiment(search.path.parent)


def test_latest_that_is_a_folder_is_refused(search):
    latest = search.path.parent / "latest"
    latest.unlink()
    search.path.rename(latest)
    with pytest.raises(UserError, match=str(search.path.parent)):
        open_experiment(search.path.parent)


@pytest.mark.parametrize("name", ["../../../etc", "/etc/passwd", "..", "a\nb"])
def test_search_goes_on_without_events_of_trials_that_are_paths(search, name):
    journal = Journal(search.path / "search.jsonl")
    whole = journal.so_far()
    event = {"event": "proposed", "trial": name, "values": {}, "source": "x"}
    with journal.path.open("a") as lines:
        lines.write(json.dumps(event) + "\n")
    events, notice = journal.take_up()
    assert events == whole
    assert notice.startswith(f"search.jsonl is damaged from line {len(whole) + 1} on")


def changed_record(file: Path, **changes: object) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


def refusal_to_resume(search, *words: str) -> str:
    typed = [f"search.runs={search.path.parent}", f"resume={search.name}", *words]
    asked: Asking = read_words(SCHEMA, typed).settings
    with pytest.raises(UserError) as error:
        resumed(asked, typed, SCHEMA)
    return str(error.value)


@pytest.mark.parametrize(
    "address",
    ["ray://evil.example:10001", "10.0.0.1:6379", "127.0.0.1.evil.example:1", "localhost@evil:1"],
)
def test_stored_search_joins_no_cluster_that_was_not_typed_again(search, address):
    data = {"root": "demo"}
    words = ["space=loss_aug", f"cluster.address={address}"]
    changed_record(search.path / "experiment.json", words=words, settings={"data": data})
    told = refusal_to_resume(search)
    assert f"would join the cluster at {address}, which can run anything here" in told


@pytest.mark.parametrize("address", ["auto", "127.0.0.1:6379", "ray://localhost:10001"])
def test_stored_search_joins_the_cluster_of_this_machine_again(search, address):
    words = ["space=loss_aug", f"cluster.address={address}"]
    settings = {"data": {"root": "demo"}}
    changed_record(search.path / "experiment.json", words=words, settings=settings)
    typed = [f"search.runs={search.path.parent}", f"resume={search.name}"]
    assert words == resumed(read_words(SCHEMA, typed).settings, typed, SCHEMA).words[:2]


def test_stored_search_without_its_settings_is_named(search):
    changed_record(search.path / "experiment.json", settings={})
    assert "experiment.json of large has no settings of data" in refusal_to_resume(search)


@pytest.mark.parametrize("backbone", ["hf-hub:evil/model", "local-dir:/etc", "../../x"])
def test_backbone_that_names_a_place_is_refused_unread(backbone):
    with pytest.raises(UserError, match="unknown backbone"):
        check_backbone(ModelConfig(backbone=backbone), (32, 32))


@pytest.mark.parametrize("record", ["{", "[]", '{"trial": 1}', "[" * 100_000, "\x00", "1e999"])
def test_damaged_record_of_a_trial_is_told_and_the_others_are_ranked(search, record):
    (search.path / BEST / "trial.json").write_text(record)
    code, told = run(leaderboard.app, search)
    assert (code, "trial-002" in told) == (0, True)
    assert f"{search.path / BEST / 'trial.json'}" in told.replace("\n", "")


def test_trial_named_as_a_path_within_its_record_is_still_the_folder_s(search, tmp_path):
    changed_record(search.path / BEST / "trial.json", trial="../../../escaped")
    assert run(leaderboard.app, search)[0] == 0
    assert run(ensemble.app, search, "--method", "log")[0] == 0
    assert [one.name for one in tmp_path.rglob("*escaped*")] == []


def test_record_that_names_another_data_folder_is_refused_by_name(search, tmp_path):
    changed_record(search.path / "experiment.json", data_root=str(tmp_path / "none"))
    record = json.loads((search.path / BEST / "trial.json").read_text())
    record["config"]["data"]["root"] = str(tmp_path / "none")
    (search.path / BEST / "trial.json").write_text(json.dumps(record))
    (search.path / BEST / "weights.safetensors").write_bytes(b"")
    with pytest.raises(UserError, match="there is no such folder"):
        predict([f"trial={search.path / BEST}"])
    with pytest.raises(UserError, match="there is no such folder"):
        fit([f"replay={search.path}/{BEST}", f"search.runs={search.path.parent}"])


def test_ledger_s_hash_that_is_a_path_is_a_damaged_line(search, tmp_path):
    (tmp_path / "private.csv").write_text("ImageID,ans\nprivate,1\n")
    entry = {"experiment": "x", "method": "m", "members": [], "eval_set": "e", "images": 1}
    line = {**entry, "at": "2026", "hash": "../../private"}
    folder = search.path.parent / "submissions"
    folder.mkdir()
    (folder / "ledger.jsonl").write_text(json.dumps(line) + "\n")
    code, told = run(submissions.app, search, "--compare", "1", "1")
    assert (code, "line 1 is left out: hash" in told, "private,1" in told) == (2, True, False)
