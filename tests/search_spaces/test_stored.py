import pytest

from search_spaces.catalogue import SPACES
from search_spaces.language import Space, choice, log_uniform, uniform, when
from search_spaces.stored import ALWAYS, stored_domains
from trainable.settings import UserError

LOSSES = Space(
    "which?",
    {
        "loss.name": choice("cross_entropy", "focal"),
        "loss.gamma": when("loss.name", {"focal": uniform(0.5, 4.0)}),
        "optim.lr": log_uniform(1e-4, 1e-2),
    },
)


def test_a_parameter_comes_back_as_it_was_drawn():
    stored = stored_domains(LOSSES.as_json())
    assert stored["optim.lr"] == (ALWAYS, {ALWAYS: log_uniform(1e-4, 1e-2)})
    assert stored["loss.name"] == (ALWAYS, {ALWAYS: choice("cross_entropy", "focal")})


def test_a_parameter_that_exists_with_others_comes_back_with_its_cases():
    assert stored_domains(LOSSES.as_json())["loss.gamma"] == (
        "loss.name",
        {"focal": uniform(0.5, 4.0)},
    )


@pytest.mark.parametrize("name", SPACES)
def test_every_space_comes_back(name):
    stored = stored_domains(SPACES[name].as_json())
    drawn = {path: list(cases.values()) for path, (_, cases) in stored.items()}
    assert drawn == SPACES[name].domains()


@pytest.mark.parametrize("text", ["", "{}", "when loss.name: {", "when loss.name: 3", "3"])
def test_a_text_that_is_no_space_is_told_with_its_path(text):
    with pytest.raises(UserError, match=r"the stored space of optim\.lr cannot be read"):
        stored_domains({"optim.lr": text})
