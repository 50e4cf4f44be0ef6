"""Words are checked before anything is started; a mistake is one line and exit code 2."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from trainable import fit, predict
from trainable.command_line import (
    INTERRUPTED,
    USER_ERROR,
    Schema,
    nested,
    print_help,
    read_words,
    run_command,
)
from trainable.recipes.catalogue import RECIPES, SCALES
from trainable.settings import setting_paths
from trainable.storage_errors import StorageError


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it printed."""

    code: int
    out: str
    error: str


Run = Callable[..., Ended]


@pytest.fixture
def run(monkeypatch, capsys) -> Run:
    def run(*words: str, main: Callable[[list[str]], int] = fit.main) -> Ended:
        monkeypatch.setattr(sys, "argv", ["fit", *words])
        with pytest.raises(SystemExit) as ended:
            run_command(fit.SCHEMA, main)
        return Ended(ended.value.code, *capsys.readouterr())

    return run


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["loss.nam=focal"], "unknown word 'loss.nam'; did you mean loss.name"),
        (["gamma=2"], "did you mean loss.gamma"),
        (["loss=focal"], "unknown word 'loss'; did you mean loss.name"),
        (["hydra.verbose=true"], "unknown word 'hydra.verbose'"),
        (["+loss.name=focal"], "+loss.name=focal: write it without + or ~"),
        (["++loss.name=focal"], "++loss.name=focal: write it without + or ~"),
        (["~loss.name=focal"], "~loss.name=focal: write it without + or ~"),
        (["focal"], "'focal' is no word=value; --help lists the words"),
        ([""], "'' is no word=value"),
        (["=focal"], "unknown word ''"),
        (["loss.name=focal,f1"], "loss.name was given several values; python -m orchestrator"),
        (["optim.lr=interval(1e-4,1e-2)"], "optim.lr was given several values"),
        (["loss.name=fokal"], "did you mean focal?"),
        (["train.epochs=0"], "train.epochs=0: should be greater than or equal to 1"),
        (["train.epochs=many"], "train.epochs='many': should be a valid integer"),
        (["loss.mix.f1=0.6", "loss.mix.focal=0.6"], "loss.mix.focal=0.6 and loss.mix.f1=0.6"),
        (["recipe=plane"], "unknown recipe 'plane'; did you mean plain?"),
        (["scale=smal"], "unknown scale 'smal'; did you mean small?"),
        (["model.backbone=resnet_18"], "unknown backbone (model.backbone) 'resnet_18'; did you"),
        (["model.pretrained=true"], "model.pretrained=true: the weights of"),
        (["data.root=nowhere"], "nowhere: there is no such folder"),
        (["data.root=a(b"], "put quotes round a value with spaces or brackets"),
        (["replay=trial-001"], "replay=trial-001: name a trial as <experiment>/<trial>"),
        (["replay=a/b", "train.epochs=3"], "give no other settings with it"),
        (["replay=a/b", "scale=small"], "give no other settings with it"),
        (["replay=a/b", "search.runs=nowhere"], "no experiment in nowhere"),
    ],
)
def test_wrong_words_are_one_error_with_exit_code_2(run, words, complaint):
    ended = run(*words)
    assert ended.code == USER_ERROR == 2
    assert ended.error.startswith("error: ")
    assert complaint in ended.error
    assert "Traceback" not in ended.error
    assert ended.out == ""


@pytest.mark.parametrize("word", ["scale=small,full", "recipe=[plain]", "scale=glob(*)"])
def test_several_options_of_a_group_are_an_error(run, word):
    assert run(word).code == USER_ERROR


def test_value_that_refers_to_nothing_is_an_error(run):
    assert run("data.root=${nothing}").code == USER_ERROR


@pytest.mark.parametrize("word", ["--help", "-h"])
def test_help_lists_every_setting_with_its_meaning(run, monkeypatch, word):
    monkeypatch.setenv("COLUMNS", "400")
    ended = run("train.epochs=0", word)
    assert ended.code == 0
    lines = {line.split()[0]: line for line in ended.out.splitlines() if line}
    for path in set(setting_paths(fit.FitConfig)) - {"recipe", "scale"}:
        assert meaning_of(path) in lines[path]
    assert "one of plain" in lines["recipe="]
    assert "one of full, small" in lines["scale="]


def meaning_of(path: str) -> str:
    *sections, name = path.split(".")
    owner = fit.FitConfig().value(".".join(sections)) if sections else fit.FitConfig()
    return type(owner).model_fields[name].description


def test_help_of_predict_names_its_word(capsys):
    print_help(predict.SCHEMA)
    assert "python -m trainable.predict [word=value ...]" in capsys.readouterr().out


def test_interrupted_command_says_that_epochs_are_kept(run):
    def interrupted(words: list[str]) -> int:
        raise KeyboardInterrupt

    ended = run(main=interrupted)
    assert (ended.code, ended.error) == (INTERRUPTED, "stopped; every finished epoch is kept\n")


def test_result_that_cannot_be_stored_is_an_error_without_traceback(run):
    def unstorable(words: list[str]) -> int:
        raise StorageError("cannot store runs/x: No space left on device")

    ended = run(main=unstorable)
    assert (ended.code, ended.error.count("\n")) == (USER_ERROR, 1)
    assert "No space left on device" in ended.error


def test_words_change_what_they_name_and_nothing_else():
    words = ["loss.name=focal", "optim.lr=1e-4", "data.skip_unreadable=true"]
    changed = read_words(fit.SCHEMA, words).settings
    expected = {"loss.name": "focal", "optim.lr": 1e-4, "data.skip_unreadable": True}
    assert changed == fit.FitConfig().with_values(expected)


def test_no_words_give_the_defaults():
    given = read_words(fit.SCHEMA, [])
    assert given.settings == fit.FitConfig()
    assert (given.pinned, given.swept) == (frozenset(), {})


def test_path_with_spaces_stays_whole():
    assert read_words(fit.SCHEMA, ["data.root=my data/faces"]).settings.data.root == "my data/faces"


@pytest.mark.parametrize("scale", SCALES)
def test_scale_sets_what_it_stands_for(scale):
    settings = read_words(fit.SCHEMA, [f"scale={scale}"]).settings
    assert settings.scale == scale
    assert {path: settings.value(path) for path in SCALES[scale]} == SCALES[scale]


@pytest.mark.parametrize("recipe", RECIPES)
def test_recipe_sets_what_it_stands_for(recipe):
    settings = read_words(fit.SCHEMA, [f"recipe={recipe}"]).settings
    assert settings.recipe == recipe
    asked = RECIPES[recipe].settings()
    assert {path: settings.value(path) for path in asked} == asked


def test_typed_settings_and_the_scale_count_for_every_network_of_a_recipe():
    words = ["recipe=v2l_per_task", "scale=small", "data.crop=none"]
    members = read_words(fit.SCHEMA, words).settings.member_configs()
    assert {own.data.crop for own in members.values()} == {"none"}
    assert {own.model.backbone for own in members.values()} == {SCALES["small"]["model.backbone"]}
    samplers = {name: own.train.sampler for name, own in members.items()}
    assert samplers == {"mask": "shuffle", "gender": "one_per_person", "age": "one_per_person"}


def test_typed_setting_may_contradict_what_a_member_would_have_set():
    words = ["recipe=v2l_per_task", "data.face_boxes=mtcnn", "data.crop=none"]
    members = read_words(fit.SCHEMA, words).settings.member_configs()
    assert {own.data.crop for own in members.values()} == {"none"}


@pytest.mark.parametrize("order", [1, -1])
def test_word_that_is_given_wins_over_its_scale_in_either_order(order):
    words = ["scale=small", "data.image_width=100"][::order]
    data = read_words(fit.SCHEMA, words).settings.data
    assert (data.image_width, data.image_height) == (100, SCALES["small"]["data.image_height"])


def test_words_with_one_value_are_pinned_and_with_several_swept():
    given = read_words(fit.SCHEMA, ["loss.name=focal,f1", "optim.lr=1e-3", "scale=small"])
    assert given.pinned == {"optim.lr", "scale"}
    assert set(given.swept) == {"loss.name"}
    assert given.settings.loss.name == "cross_entropy"


def test_several_values_are_one_list_where_a_command_takes_lists():
    schema = Schema("test.lists", fit.FitConfig, {}, frozenset({"search.name"}))
    with pytest.raises(ValueError, match=r"search.name=\['a', 'b'\]: should be a valid string"):
        read_words(schema, ["search.name=a,b"])


def test_dotted_paths_become_nested():
    assert nested({"a.b": 1, "a.c.d": 2, "e": 3}) == {"a": {"b": 1, "c": {"d": 2}}, "e": 3}


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("search.name=2024_10_07", "2024_10_07"),
        ("search.name=1.10", "1.10"),
        ("search.name='two words'", "two words"),
        ('search.name="it is"', "it is"),
        ("search.name=", ""),
    ],
)
def test_text_is_taken_as_it_was_typed(word, name):
    assert read_words(fit.SCHEMA, [word]).settings.search.name == name


def test_a_command_began_before_its_imports():
    first = "import time; first = time.time(); import trainable.command_line as c; "
    code = f"{first}print(first - c.process_start().timestamp())"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert -0.1 < float(told.stdout) < 10
