"""What a first file says of the blocks that it leaves at their defaults."""

import yaml

from lrcli.authoring.starter import _block
from lrcli.config.blocks import Training


def test_a_block_that_is_commented_out_can_be_taken_as_it_stands():
    """Each line behind its #, those of the blocks inside it, too."""
    lines = [line for line in _block("training", {}) if line]
    assert all(line.startswith("# ") for line in lines)
    said = yaml.safe_load("\n".join(line.removeprefix("# ") for line in lines))["training"]
    assert said["early_stopping"] == {"metric": "val/loss", "mode": None, "patience": 10, "min_delta": 0.0}
    assert set(said) == set(Training.model_fields)
    Training(**said)
