"""Earlier experiments and recipes give the first trials, and what does not fit is named."""

from pathlib import Path

import pytest

from orchestrator.earlier import Beginning
from orchestrator.history import read_history
from search_spaces.catalogue import SPACES
from search_spaces.language import Space, choice, log_uniform, uniform, when
from trainable.config import TrialConfig
from trainable.metric_names import METRICS
from trainable.recipes.catalogue import RECIPES
from trainable.records import (
    EpochRecord,
    ExperimentRecord,
    MachineRecord,
    Outcome,
    TrialRecord,
)
from trainable.settings import UserError
from trainable.store import ExperimentFolder, create_experiment, now
from trainable.trial_folder import TrialFolder

MACHINE = MachineRecord(
    host="here", process=1, device="cpu", precision="float32", threads=1, torch="2", processor="x"
)
LOSSES = Space(
    "Which loss?",
    {
        "loss.name": choice("focal", "cross_entropy"),
        "loss.gamma": when("loss.name", {"focal": uniform(1.0, 3.0)}),
        "optim.lr": log_uniform(1e-3, 1e-2),
    },
)
PLAIN = {"loss.name": "cross_entropy", "optim.lr": 3e-3}
FOCAL = {"loss.name": "focal", "loss.gamma": 2.0, "optim.lr": 4e-3}


def write_trial(folder: TrialFolder, values, scores, status="completed") -> None:
    config = TrialConfig().with_values(values)
    folder.write_record(
        TrialRecord(
            trial=folder.name,
            config=config,
            values=values,
            machine=MACHINE,
            identity=config.identity(),
            setup_seconds=1.0,
            started=now(),
        )
    )
    folder.write_epochs(
        [
            EpochRecord(
                epoch=number,
                metrics=dict.fromkeys(METRICS, score),
                train_loss=1.0,
                lr=0.1,
                seconds={"step": 1.0},
            )
            for number, score in enumerate(scores, start=1)
        ]
    )
    folder.write_outcome(Outcome(status=status))


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


def write_experiment(runs: Path, name: str, trials, paths=LOSSES.parameters, data="faces"):
    """Store an experiment: its trials' values and the scores of their epochs."""
    folder = create_experiment(runs, name)
    folder.write_record(
        ExperimentRecord(
            experiment=folder.name,
            question="?",
            command="orchestrator.search",
            words=[],
            settings={},
            space=dict.fromkeys(paths, ""),
            data_root="faces",
            data_fingerprint=data,
            skipped_images=[],
            versions={},
            started=[now()],
        )
    )
    for number, (values, *scores) in enumerate(trials, start=1):
        write_trial(folder.trial(f"trial-{number:03d}"), values, scores)
    return folder


def read(runs: Path, *words: str, space=LOSSES, size=8, **settings):
    base = TrialConfig().with_values(settings.get("base", {}))
    return read_history(words, Beginning(runs, space, base, "faces"), size)


def values_of(history):
    return [dict(one.values) for one in history.first]


def test_best_trials_of_an_experiment_are_tried_first(runs):
    write_experiment(runs, "old", [(PLAIN, 0.3, 0.2), (FOCAL, 0.1, 0.6)])
    history = read(runs, "old")
    assert values_of(history) == [FOCAL, PLAIN]
    assert [one.source for one in history.first] == ["old/trial-002", "old/trial-001"]
    assert history.first[0].reason == "scored 0.6000, best over old"
    assert history.notes == []


def test_no_more_are_tried_first_than_asked(runs):
    write_experiment(runs, "old", [(PLAIN, 0.3), (FOCAL, 0.6)])
    assert values_of(read(runs, "old", size=1)) == [FOCAL]


def test_failed_trials_and_those_without_an_epoch_do_not_count(runs):
    folder = write_experiment(runs, "old", [(PLAIN, 0.3), (FOCAL,)])
    write_trial(folder.trial("trial-003"), FOCAL, [0.9], "failed")
    assert values_of(read(runs, "old")) == [PLAIN]


def test_mixture_of_trials_says_nothing_of_the_settings_it_was_given(runs):
    folder = write_experiment(runs, "old", [(PLAIN, 0.3)])
    soup = folder.trial("soup-001")
    write_trial(soup, FOCAL, [0.9])
    soup.write_record(soup.read().record.model_copy(update={"mixed_from": ["trial-001"]}))
    assert values_of(read(runs, "old")) == [PLAIN]


def test_trial_that_runs_counts_with_its_best_epoch_so_far(runs):
    folder = write_experiment(runs, "old", [(PLAIN, 0.3)])
    write_trial(folder.trial("trial-002"), FOCAL, [0.9, 0.2], "running")
    assert values_of(read(runs, "old")) == [FOCAL, PLAIN]


def test_setting_that_was_pinned_counts_as_one_that_was_searched(runs):
    write_experiment(runs, "old", [({"loss.name": "focal", "optim.lr": 0.005}, 0.3)], ["optim.lr"])
    gamma = TrialConfig().loss.gamma
    assert values_of(read(runs, "old")) == [
        {"loss.name": "focal", "loss.gamma": gamma, "optim.lr": 0.005}
    ]


def test_number_outside_the_range_goes_to_its_nearest_end_and_this_is_said(runs):
    write_experiment(runs, "old", [({**PLAIN, "optim.lr": 0.5}, 0.6), (PLAIN, 0.3)])
    history = read(runs, "old")
    assert values_of(history) == [{**PLAIN, "optim.lr": 1e-2}, PLAIN]
    assert history.first[0].reason == "scored 0.6000, best over old; lr=0.5 becomes lr=0.01"
    assert history.notes == [
        "old goes beyond the range of optim.lr (1 of 2): the nearest end is taken",
        "old says nothing of loss.gamma",
    ]


def test_category_that_is_no_choice_is_drawn_with_all_that_depends_on_it(runs):
    write_experiment(runs, "old", [({**PLAIN, "loss.name": "f1"}, 0.6), (FOCAL, 0.3)])
    history = read(runs, "old")
    assert values_of(history) == [{"optim.lr": 3e-3}, FOCAL]
    assert history.first[0].reason == "scored 0.6000, best over old; loss=f1 is drawn"
    assert history.notes == ["old has loss=f1 (1 of 2), no choice here: drawn instead"]


def test_trial_of_which_the_space_holds_nothing_is_not_tried(runs):
    write_experiment(runs, "old", [({"loss.name": "f1"}, 0.6)], ["loss.name"])
    history = read(runs, "old", space=LOSSES.without({"optim.lr"}))
    assert history.first == []
    assert "old says nothing of loss.name, loss.gamma" in history.notes


def test_parameter_follows_the_value_that_the_base_gives_its_parent(runs):
    write_experiment(runs, "old", [(FOCAL, 0.6)])
    space = LOSSES.without({"loss.name"})
    assert values_of(read(runs, "old", space=space)) == [{"optim.lr": 4e-3}]
    focal = {"loss.name": "focal"}
    assert values_of(read(runs, "old", space=space, base=focal)) == [
        {"loss.gamma": 2.0, "optim.lr": 4e-3}
    ]


def test_what_only_the_earlier_space_searched_is_named(runs):
    write_experiment(runs, "old", [(FOCAL, 0.6)], [*LOSSES.parameters, "augment.flip"])
    assert read(runs, "old").notes == [
        "old searched augment.flip too, which is the same in all trials here"
    ]


def test_other_data_are_used_and_named(runs):
    write_experiment(runs, "old", [(FOCAL, 0.6)], data="other faces")
    history = read(runs, "old")
    assert values_of(history) == [FOCAL]
    assert history.notes == ["old was trained on other data"]


def test_other_tasks_are_used_and_named(runs):
    write_experiment(runs, "old", [({**FOCAL, "model.heads": "age"}, 0.6)])
    history = read(runs, "old")
    assert values_of(history) == [FOCAL]
    assert history.notes == ["old was scored on age, and this search is on mask and gender and age"]


def test_trial_that_contradicts_the_base_is_left_out_and_this_is_said(runs):
    space = Space("?", {"train.drop_below_60": choice(0, 3), "optim.lr": log_uniform(1e-3, 1e-2)})
    write_experiment(
        runs,
        "old",
        [({"train.drop_below_60": 3}, 0.6), ({"train.drop_below_60": 0}, 0.3)],
        space.parameters,
    )
    history = read(runs, "old", space=space, base={"train.age_cutoff": 58})
    assert [one.values["train.drop_below_60"] for one in history.first] == [0]
    (note,) = history.notes
    assert note.startswith("old has 1 of 2 trials that contradict the search: left out (train.age_")


def test_all_means_every_experiment_once(runs):
    write_experiment(runs, "one", [(PLAIN, 0.6)])
    write_experiment(runs, "two", [(FOCAL, 0.2)]).become_latest()
    write_experiment(runs, "empty", [])
    history = read(runs, "all")
    assert sorted(one.source for one in history.first) == ["one/trial-001", "two/trial-001"]
    assert [note for note in history.notes if "empty" in note] == []


def test_latest_beside_its_own_name_counts_once(runs):
    write_experiment(runs, "one", [(PLAIN, 0.6), (FOCAL, 0.5)]).become_latest()
    assert read(runs, "one", "latest") == read(runs, "one")


def test_unknown_experiment_names_near_ones(runs):
    write_experiment(runs, "losses", [(PLAIN, 0.6)])
    with pytest.raises(UserError, match="unknown experiment 'loses'; did you mean losses"):
        read(runs, "loses")


def damage(folder: ExperimentFolder, file: str) -> None:
    (folder.path / file).write_text("{")


def test_damaged_experiment_is_an_error_where_it_is_named_and_else_a_note(runs):
    write_experiment(runs, "whole", [(PLAIN, 0.6)])
    damage(write_experiment(runs, "broken", [(FOCAL, 0.9)]), "experiment.json")
    with pytest.raises(UserError, match=r"cannot read .*broken.experiment.json"):
        read(runs, "broken")
    history = read(runs, "all")
    assert values_of(history) == [PLAIN]
    assert history.notes[0].startswith("broken is left out: cannot read ")


def test_damaged_trial_is_left_out_and_named(runs):
    damage(write_experiment(runs, "old", [(FOCAL, 0.9), (PLAIN, 0.6)]), "trial-001/trial.json")
    history = read(runs, "old")
    assert values_of(history) == [PLAIN]
    assert history.notes[-1].startswith("old has 1 of 2 trials that cannot be read: left out (")


def test_experiment_with_nothing_to_learn_from_is_named(runs):
    write_experiment(runs, "old", [])
    assert read(runs, "old").notes == ["old has no trial to learn from"]


def test_recipes_are_tried_as_the_space_holds_them_the_plain_one_first(runs):
    history = read(runs, "recipes", space=SPACES["loss_aug"])
    assert [one.source for one in history.first][:2] == ["recipe plain", "recipe recsys04"]
    recsys04 = history.first[1]
    assert recsys04.values["augment.erasing"] == 0.5
    assert recsys04.values["optim.lr"] == 3e-4
    assert recsys04.reason.startswith("recsys04, Wrap up Report: accuracy 81.83 %")
    assert "lr=0.0001 becomes lr=0.0003" in recsys04.reason
    assert "not searched here: model.backbone, " in recsys04.reason
    assert history.notes == []


@pytest.mark.parametrize("space", SPACES)
def test_every_space_holds_something_of_the_recipes_each_once(runs, space):
    found = [
        tuple(sorted(values.items()))
        for values in values_of(read(runs, "recipes", space=SPACES[space]))
    ]
    assert 1 <= len(set(found)) == len(found) <= len(RECIPES)


def test_recipe_of_which_the_space_holds_nothing_is_not_tried(runs):
    backbones = Space("?", {"model.backbone": choice("lcnet_050", "tinynet_e")})
    assert read(runs, "recipes", space=backbones).first == []


def test_recipes_come_where_experiments_leave_room(runs):
    write_experiment(runs, "old", [(FOCAL, 0.6), (PLAIN, 0.3)])
    sources = [one.source for one in read(runs, "recipes", "old", size=3).first]
    assert sources == ["old/trial-001", "old/trial-002", "recipe plain"]


def test_recipe_that_contradicts_the_base_is_left_out_and_this_is_said(runs):
    space = Space("?", {"train.drop_below_60": choice(0, 3)})
    history = read(runs, "recipes", space=space, base={"train.age_cutoff": 58})
    assert values_of(history) == [{"train.drop_below_60": 0}]
    assert history.notes[0].startswith("recipe recsys04 contradicts the search: left out (train.")


def test_all_with_nothing_to_learn_from_means_recipes_and_says_so(runs):
    history = read(runs, "all")
    assert history.first[0].source == "recipe plain"
    assert history.notes == [f"{runs} holds no trial to learn from: recipes are tried first"]


@pytest.mark.parametrize("words", [[], ["none"]])
def test_none_is_nothing(runs, words):
    history = read(runs, *words)
    assert (history.first, history.notes) == ([], [])


@pytest.mark.parametrize("words", [["none", "recipes"], ["all", "old"], ["old", "none"]])
def test_words_that_contradict_each_other_are_refused(runs, words):
    with pytest.raises(UserError, match=f"search.history={','.join(words)}: "):
        read(runs, *words)
