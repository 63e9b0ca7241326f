"""What is said of every experiment, before and after training, kept as text.

The texts are to be read: as a student would, whether they are true, short and clear. They are made again by

    LRCLI_GOLDEN=write pytest tests/explaining

Their numbers are held to other computations in oracles.py and in the tests beside this one.
"""

import pytest
from builders import EXPERIMENTS, NEED_FILES, experiment_files, trained_run
from oracles import check, check_file
from texts import held

import lrcli
from lrcli.experiment.loading import load
from lrcli.explaining.runs.explanation import explain_run
from lrcli.explaining.sweeps.explanation import explain_sweep
from lrcli.reporting.explanation import explanation_lines
from lrcli.running.trained import read_run
from lrcli.sweeps.reading import read_sweep

SWEEPS = ("linear_rates", "quadratic_condition", "xor_optimizers")
SHORT = {"legendre_module": 300, "mlp_module": 20, "noisy_linear": 15}  # epochs, of what would take long
SCREEN = 24  # lines of 80 characters
FORESEEN = {"sine_polynomial": 6, "ohm_linear": 6, "quadratic_condition": 6, "xor_mlp": 1, "spirals": 1}
READ_BACK = {"linear", "legendre_module", "ohm", "sine_rmsprop", "spirals", "xor_linear"}
LEAST_CHECKED = {"linear": 3, "linear_concise": 1, "linear_larger_rate": 1, "ohm_linear": 2, "moons": 2}
BARE = " logging.figures=false logging.tensorboard=false 'expect={}'"  # of `trained_run`, which draws nothing


@pytest.mark.parametrize("file", experiment_files())
def test_experiment_before_training(file, monkeypatch):
    monkeypatch.chdir(EXPERIMENTS.parent)
    explanation = lrcli.explain(f"experiments/{file.name}")
    text = held(f"file_{file.stem}", explanation)
    assert len(explanation_lines(explanation, 80)) <= SCREEN
    experiment = load(file).experiment
    if not experiment.needs_code:
        assert check_file(experiment, text) >= FORESEEN.get(file.stem, 0)


@pytest.mark.parametrize("file", [file for file in experiment_files() if file.id not in NEED_FILES])
def test_experiment_after_training(file, tmp_path):
    words = [f"training.epochs={SHORT[file.stem]}"] if file.stem in SHORT else []
    run = trained_run(tmp_path, file.stem, *words)
    left_out = (f"{EXPERIMENTS.parent}/", f"{tmp_path}", BARE)
    explanation = explain_run(run)
    checked = check(run, held(f"run_{file.stem}", explanation, *left_out))
    assert checked >= LEAST_CHECKED.get(file.stem, 0)
    assert len(explanation_lines(explanation, 80)) <= SCREEN
    if file.stem in READ_BACK:
        again = explain_run(read_run(tmp_path))
        assert again.as_data() == explanation.as_data()


@pytest.mark.parametrize("name", SWEEPS)
def test_sweep(name, tmp_path):
    bare = {"logging.figures": False, "logging.tensorboard": False}
    sweep = lrcli.sweep(EXPERIMENTS / f"{name}.yaml", bare, run_dir=tmp_path / "sweep")
    explanation = explain_sweep(read_sweep(sweep.directory))
    held(f"sweep_{name}", explanation, f"{EXPERIMENTS.parent}/", f"{tmp_path}/sweep", BARE.rpartition(" ")[0])
