"""What a first file says of the blocks that it leaves at their defaults."""

import pytest
import yaml

from lrcli.authoring.starter import _block, starter_text
from lrcli.config.blocks import Training
from lrcli.experiment.loading import load
from lrcli.running.location import Interruption, OutputLocation
from lrcli.running.single import train


def test_a_block_that_is_commented_out_can_be_taken_as_it_stands():
    """Each line behind its #, those of the blocks inside it, too."""
    lines = [line for line in _block("training", {}) if line]
    assert all(line.startswith("# ") for line in lines)
    said = yaml.safe_load("\n".join(line.removeprefix("# ") for line in lines))["training"]
    assert said["early_stopping"] == {"metric": "val/loss", "mode": None, "patience": 10, "min_delta": 0.0}
    assert set(said) == set(Training.model_fields)
    Training(**said)


TRUE = {"ohm": 0.02, "planck": 10.0, "exponential_decay": 0.05, "quadratic": 0.05}  # as near as they come
SEEN = ("blobs", "circles", "moons", "spirals")


@pytest.mark.parametrize("kind", [*TRUE, *SEEN])
def test_the_first_file_recovers_the_truth_or_solves_the_task(kind, tmp_path):
    file = tmp_path / "first.yaml"
    file.write_text(starter_text(kind, file.name), encoding="utf-8")
    words = ["logging.tensorboard=false", "logging.figures=false"]
    *_, finished = train(load(file, words).experiment, OutputLocation(tmp_path / "runs"), Interruption())
    metrics = finished.result.metrics
    if kind in TRUE:
        assert metrics["recovery/max_abs_error"] < TRUE[kind]
    else:
        assert metrics["val/accuracy"] > 0.95
