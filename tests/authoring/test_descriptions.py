"""What users are told about components is what is accepted."""

from typing import Literal

import pytest
from pydantic import Field

from lrcli.authoring.descriptions import describe, example, find
from lrcli.components.registry import GROUPS
from lrcli.config.base import Config
from lrcli.errors import UsageError

EVERY = [(group, kind) for group, kinds in GROUPS.items() for kind in kinds]


@pytest.mark.parametrize(("group", "kind"), EVERY)
def test_every_component_and_every_key_is_explained(group, kind):
    description = describe(group, kind)
    assert description.summary.endswith(".")
    assert description.source.endswith(".")
    assert "Source" not in description.details
    assert {option.name for option in description.options} == set(GROUPS[group][kind].model_fields) - {"kind"}
    for option in description.options:
        assert option.meaning, option.name
        assert "Annotated" not in option.type
        assert "typing" not in option.type


@pytest.mark.parametrize(("group", "kind"), EVERY)
def test_the_shortest_form_is_accepted_and_nothing_shorter(group, kind):
    config = GROUPS[group][kind]
    shortest = example(config)
    config.model_validate(shortest)
    for name in set(shortest) - {"kind"}:
        with pytest.raises(ValueError, match=name):
            config.model_validate({key: value for key, value in shortest.items() if key != name})


def test_a_required_key_without_an_example_is_told_to_whoever_writes_the_class():
    class Quantile(Config):
        kind: Literal["quantile"]
        level: float = Field(gt=0, lt=1, description="share of the errors that are positive")

    with pytest.raises(TypeError, match=r"Quantile\.level has no default, .*examples="):
        example(Quantile)


def test_options_in_words():
    options = {option.name: option for option in describe("optimizer", "adam").options}
    assert (options["lr"].type, options["lr"].default, options["lr"].range) == ("number", 1e-3, "> 0")
    assert options["betas"].type == "list of numbers >= 0, < 1"
    assert options["schedule"].default == {"kind": "constant"}
    hidden = describe("model", "mlp").options[0]
    assert (hidden.name, hidden.required, hidden.type) == ("hidden", True, "list of whole numbers >= 1")


def test_names_are_found_or_the_nearest_is_offered():
    assert find("schedule")[0] == ("schedule", "constant")
    assert find("optimizer.adam") == [("optimizer", "adam")]
    with pytest.raises(UsageError, match="did you mean optimizer"):
        find("optimiser.adam")
    with pytest.raises(UsageError, match="did you mean adamw"):
        find("optimizer.adamww")
