"""For every component the shortest experiment loads and trains."""

import numpy as np
import pytest
import yaml
from builders import MADE

from lrcli.authoring.minimal_files import minimal_experiment
from lrcli.components.registry import GROUPS
from lrcli.config.dumping import yaml_text
from lrcli.experiment.loading import load
from lrcli.running.location import Interruption, OutputLocation
from lrcli.running.single import Finished, train

EVERY = [
    (g, kind)
    for g, kinds in GROUPS.items()
    for kind in kinds
    if g != "dataset" or kind in {*MADE, "csv", "python"}
]
CODE = {  # what the name in a shortest experiment may stand for
    "dataset": "def Mine(rng, count):\n    x = rng.random((count, 1))\n    return x, x\n",
    "loss": "def Mine(outputs, targets):\n    return (outputs - targets)[:, 0] ** 2\n",
    "optimizer": "Mine = torch.optim.SGD\n",
    "model": "class Mine(torch.nn.Linear):\n    def __init__(self):\n        super().__init__(2, 1)\n",
}
SMALL = ["dataset.num_train=20", "dataset.num_val=10", "training.epochs=2", "logging.tensorboard=false"]


@pytest.mark.parametrize(("group", "kind"), EVERY)
def test_the_shortest_experiment_of_every_component_trains(group, kind, tmp_path):
    content = minimal_experiment(group, kind)
    file = tmp_path / "example.yaml"
    file.write_text(yaml_text(content))
    assert yaml.safe_load(file.read_text()) == content
    of_file = content["dataset"]["kind"] == "csv"
    if of_file:
        rows = [f"{i},{i % 3},{2 * i + 1}" for i in range(30)]
        (tmp_path / content["dataset"]["path"]).write_text("\n".join(["a,b,y", *rows]))
    (tmp_path / "my_code.py").write_text(f"import torch\n\n{CODE.get(group, CODE['model'])}")
    experiment = load(file, SMALL[2 * of_file :]).experiment
    *_, finished = train(experiment, OutputLocation(tmp_path / "runs"), Interruption())
    assert isinstance(finished, Finished)
    assert finished.result.status == "completed"
    assert np.isfinite(finished.result.metrics["val/loss"])


@pytest.mark.parametrize("group", ["dataset", "model", "optimizer", "init", "schedule"])
def test_the_loss_fits_the_targets(group):
    for kind in MADE if group == "dataset" else GROUPS[group]:
        content = minimal_experiment(group, kind)
        dataset = GROUPS["dataset"][content["dataset"]["kind"]](**content["dataset"])
        of_classes = dataset.num_classes is not None
        assert GROUPS["loss"][content["loss"]["kind"]].needs_classes == of_classes
    assert minimal_experiment("dataset", "xor")["loss"] == {"kind": "bce"}
