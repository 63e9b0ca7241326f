"""The state of a run's best record, tested beside the last one where the file names what is best."""

import numpy as np
import pytest
from builders import XOR, trained_run

from lrcli.config.metrics import direction_of, is_of_best, split_of

WORDS = [
    f"dataset={{kind: xor, label_noise: 0.2, num_train: {XOR['num_train']}, num_val: 30, num_test: 50}}",
    "optimizer.lr=0.3",
    "training.epochs=40",
    "logging.figures=false",
    "expect={}",
]


@pytest.mark.parametrize("engine", ["compiled", "torch"])
def test_it_is_what_the_saved_parameters_give(tmp_path, engine):
    words = [*WORDS, "training.best={metric: val/accuracy}", f"engine={engine}", "dtype=float64"]
    run = trained_run(tmp_path / "run", "xor_mlp", *words)
    result = run.result
    assert 0 < result.best.epoch < result.epochs
    parameters = dict(np.load(tmp_path / "run" / "checkpoint" / "best.npz"))
    test = run.problem.splits["test"]
    outputs = run.experiment.model.outputs(parameters, test.inputs[0])
    loss = run.experiment.loss.value(outputs, test.targets[0])
    accuracy = np.mean((outputs >= 0) == (test.targets[0] >= 0.5))
    assert result.metrics["best/test/loss"] == pytest.approx(loss, rel=1e-12)
    assert result.metrics["best/test/accuracy"] == pytest.approx(accuracy)
    last = dict(np.load(tmp_path / "run" / "checkpoint" / "last.npz"))
    outputs = run.experiment.model.outputs(last, test.inputs[0])
    assert result.metrics["test/loss"] == pytest.approx(run.experiment.loss.value(outputs, test.targets[0]))
    assert result.metrics["test/loss"] != pytest.approx(loss, rel=1e-6)
    for name, values in last.items():  # what was put back for a moment has left nothing
        assert np.array_equal(np.asarray(result.parameters.get(name, values)), values)


def test_only_where_the_file_says_what_is_best(tmp_path):
    assert not any(map(is_of_best, trained_run(tmp_path / "run", "xor_mlp", *WORDS).result.metrics))


def test_what_it_is_called():
    assert direction_of("best/test/accuracy") == "max"
    assert split_of("best/test/accuracy") == "test"
