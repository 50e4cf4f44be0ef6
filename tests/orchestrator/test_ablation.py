"""Each line of an ablation differs from the line it is compared with by one technique."""

import pytest

from orchestrator.ablation_plan import SCHEMA, make_ablation
from orchestrator.resume import words_of
from orchestrator.rules import Fifo
from orchestrator.tuning import make_proposals
from trainable.recipes.catalogue import RECIPES
from trainable.records import ExperimentRecord
from trainable.settings import UserError

SMALL = ["scale=small"]
NOTHING = {
    "loss.name": "cross_entropy",
    "loss.gamma": 2.0,
    "train.age_cutoff": 60,
    "model.hidden": 0,
    "optim.name": "adamw",
    "data.crop": "none",
    "data.crop_height": 0.8,
    "data.crop_width": 0.8,
    "augment.brightness_contrast": 0.0,
    "augment.shift": 0.2,
}
"""What undoes every technique of focal_multihead."""


def without(*paths: str) -> dict[str, object]:
    return {path: value for path, value in NOTHING.items() if path not in paths}


def rows_of(*words: str) -> dict[str, tuple[dict[str, object], str | None]]:
    plan = make_ablation([*SMALL, *words])
    return {row.name: (dict(row.values), row.reference) for row in plan.rows}


def test_without_each_technique_the_rest_of_the_recipe_stays():
    rows = rows_of("recipe=focal_multihead", "techniques=[focal loss,cut-off 58]")
    assert rows == {
        "whole recipe": ({}, None),
        "without focal loss": ({"loss.name": "cross_entropy", "loss.gamma": 2.0}, "whole recipe"),
        "without cut-off 58": ({"train.age_cutoff": 60}, "whole recipe"),
    }


def test_added_techniques_stand_alone_beside_the_plain_model():
    rows = rows_of("recipe=focal_multihead", "mode=add", "techniques=[focal loss,cut-off 58]")
    assert rows == {
        "plain": (NOTHING, None),
        "+ focal loss": (without("loss.name", "loss.gamma"), "plain"),
        "+ cut-off 58": (without("train.age_cutoff"), "plain"),
    }


def test_ladder_adds_one_after_the_other():
    rows = rows_of("recipe=focal_multihead", "mode=ladder", "techniques=[focal loss,cut-off 58]")
    assert rows == {
        "plain": (NOTHING, None),
        "+ focal loss": (without("loss.name", "loss.gamma"), "plain"),
        "+ cut-off 58": (without("loss.name", "loss.gamma", "train.age_cutoff"), "+ focal loss"),
    }


@pytest.mark.parametrize("recipe", sorted(set(RECIPES) - {"plain"}))
def test_ladder_ends_at_the_recipe_with_all_its_networks(recipe):
    plan = make_ablation([*SMALL, f"recipe={recipe}", "mode=ladder"])
    assert plan.base.with_values(plan.rows[-1].values) == plan.base


def test_technique_that_a_network_has_in_its_own_way_keeps_it_when_alone():
    plan = make_ablation([*SMALL, "recipe=v2l_per_task", "mode=ladder"])
    last = plan.base.with_values(plan.rows[-1].values).member_configs()
    assert last["mask"].train.sampler == "shuffle"
    assert last["gender"].data.crop == "lower_center"


@pytest.mark.parametrize("recipe", sorted(set(RECIPES) - {"plain"}))
@pytest.mark.parametrize("mode", ["remove", "add", "ladder"])
def test_every_recipe_can_be_ablated(recipe, mode):
    plan = make_ablation([*SMALL, f"recipe={recipe}", f"mode={mode}"])
    assert len(plan.rows) == 1 + len(RECIPES[recipe].steps())
    configs = {row.name: plan.base.with_values(row.values).member_configs() for row in plan.rows}
    for row in plan.rows:
        assert row.reference is None or configs[row.name] != configs[row.reference]


def test_all_techniques_include_those_tried_beside():
    rows = rows_of("recipe=f1_mix", "techniques=all")
    assert rows["with focal loss"] == ({"loss.name": "focal"}, "whole recipe")


def test_what_is_typed_stays_and_its_technique_is_left_out():
    plan = make_ablation(["recipe=focal_multihead", "train.age_cutoff=59", *SMALL])
    assert "without cut-off 58" not in [row.name for row in plan.rows]
    assert "cut-off 58: train.age_cutoff stays as it was given; it is left out" in plan.notes


def test_what_is_typed_of_a_technique_stays_while_the_rest_is_varied():
    plan = make_ablation(["recipe=recsys04", "augment.cutmix=0.3", *SMALL])
    row = next(row for row in plan.rows if row.name == "without CutMix")
    assert row.values == {"augment.horizontal_cutmix": 0.0}
    assert any("CutMix: augment.cutmix stays as it was given; the rest" in n for n in plan.notes)


def test_every_line_is_trained_once_for_each_seed():
    words = ["recipe=focal_multihead", "techniques=[focal loss]", "seeds=3", "train.seed=5"]
    plan = make_ablation([*SMALL, *words])
    assert [point["train.seed"] for point in plan.points] == [5, 6, 7] * 2
    assert plan.config.search.trials == 6


def test_trials_are_taken_in_the_order_of_the_table_and_go_on_after_a_restart():
    plan = make_ablation([*SMALL, "recipe=focal_multihead"])
    first, second = make_proposals(plan, Fifo()), make_proposals(plan, Fifo())
    taken = [first.propose(name).values for name in "ab"]
    for name, values in zip("ab", taken, strict=True):
        second.restore(name, values)
    rest = [second.propose(f"c{i}").values for i in range(len(plan.points) - 2)]
    assert [*taken, *rest] == list(plan.points)
    assert second.propose("more") is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["recipe=plain"], "recipe=plain has no techniques to take away; choose recsys04"),
        (["recipe=recsys04", "techniques=[CutMx]"], "did you mean CutMix"),
        (["recipe=recsys04", "optim.lr=0.1,0.2"], "an ablation varies its techniques alone"),
        (["recipe=recsys04", "mode=removal"], "did you mean remove"),
        (["recipe=recsys04", "space=loss_aug"], "space says how a search chooses"),
        (["recipe=recsys04", "search.trials=3"], "search.trials says how a search chooses"),
    ],
)
def test_mistakes_are_found_before_anything_starts(words, said):
    with pytest.raises(UserError, match=said):
        make_ablation(words)


def test_resumed_words_name_the_files_that_were_typed_and_pin_nothing_else(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = [*SMALL, "recipe=relabel_vote", "data.root=faces"]
    plan = make_ablation(words)
    record = ExperimentRecord(
        experiment="faces",
        question="?",
        command=SCHEMA.command,
        words=words,
        settings=plan.base.model_dump(mode="json"),
        space={},
        data_root=plan.base.data.root,
        data_fingerprint="",
        skipped_images=[],
        versions={},
        started=[],
    )
    monkeypatch.chdir("/")
    resumed = make_ablation(words_of(record, SCHEMA))
    assert resumed.base.data.root == str(tmp_path / "faces")
    assert (resumed.base, resumed.points) == (plan.base, plan.points)
