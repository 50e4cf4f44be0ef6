"""A trial's row holds a value of the column's type for every searched parameter."""

from google.protobuf import json_format
from tensorboard.plugins.hparams.metadata import (
    parse_experiment_plugin_data,
    parse_session_start_info_plugin_data,
)

from orchestrator.hparams import HParamsTable
from search_spaces.catalogue import SPACES
from search_spaces.language import Space, choice, uniform, when
from trainable.config import TrialConfig


def content(summary):
    [value] = summary.value
    return value.metadata.plugin_data.content


def cells(summary):
    """Return the values in a row of the table."""
    start = parse_session_start_info_plugin_data(content(summary))
    return json_format.MessageToDict(start).get("hparams", {})


def domains(table):
    """Return the values that each column may take, as TensorBoard's filters offer them."""
    experiment = json_format.MessageToDict(parse_experiment_plugin_data(content(table.columns())))
    return {
        info["name"]: info.get("domainDiscrete", info.get("domainInterval"))
        for info in experiment["hparamInfos"]
    }


def test_none_is_an_empty_cell_in_a_column_of_numbers():
    space = Space("?", {"optim.lr": choice(None, 0.1, 1)})
    table = HParamsTable(space, TrialConfig())
    assert cells(table.row("a", {"optim.lr": None})) == {}
    assert cells(table.row("a", {"optim.lr": 1})) == {"optim.lr": 1.0}


def test_choices_of_several_types_are_shown_as_text():
    table = HParamsTable(Space("?", {"optim.lr": choice(True, 0.1, "auto")}), TrialConfig())
    assert cells(table.row("a", {"optim.lr": 0.1})) == {"optim.lr": "0.1"}


def test_a_parameter_that_does_not_exist_for_a_trial_shows_the_base_s_value():
    space = Space("?", {"loss.gamma": when("loss.name", {"focal": uniform(0.5, 1.0)})})
    table = HParamsTable(space, TrialConfig())
    assert cells(table.row("a", {})) == {"loss.gamma": 2.0}
    assert domains(table) == {"loss.gamma": {"minValue": 0.5, "maxValue": 2.0}}


def test_the_cases_of_a_parameter_make_one_domain():
    cases = {"step": choice(0.3), "cosine": choice(0.7)}
    space = Space("?", {"optim.step_factor": when("optim.schedule", cases)})
    assert domains(HParamsTable(space, TrialConfig())) == {"optim.step_factor": [0.3, 0.5, 0.7]}


def test_every_catalogued_space_has_a_column_for_each_parameter():
    for space in SPACES.values():
        assert set(domains(HParamsTable(space, TrialConfig()))) == set(space.parameters)
