"""lrcli in a notebook: a run shows itself with its pictures, and the kernel's interrupt saves one."""

import sys

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

LINE = (
    "line = {'dataset': {'kind': 'sine', 'num_train': 40, 'num_val': 20}, 'model': {'kind': 'polynomial', "
    "'degree': 3}, 'loss': {'kind': 'mse'}, 'optimizer': {'kind': 'sgd', 'lr': 1e-3}, "
    "'training': {'epochs': 4}, 'logging': {'figures': False, 'tensorboard': False}}"
)
INTERRUPTED = """
import os, signal, threading, time
from pathlib import Path

def press():
    while not any(Path().glob("runs/experiment/train-0002/metrics.csv")):
        time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGINT)

threading.Thread(target=press).start()
try:
    lrcli.train(line, {"training.epochs": 10**7, "logging.every": 1000})
except KeyboardInterrupt as stopped:
    print(stopped)
lrcli.load("last").status
"""
CELLS = [
    f"import lrcli\n{LINE}\nrun = lrcli.train(line)\nrun",
    "run.figure('fit')",
    "lrcli.train(line, {'optimizer.lr': -1})",
    INTERRUPTED,
]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
@pytest.mark.skipif(sys.platform == "win32", reason="no process there can interrupt itself so")
def test_a_notebook(tmp_path):
    book = nbformat.v4.new_notebook()
    book.cells = [nbformat.v4.new_code_cell(text) for text in CELLS]
    client = nbclient.NotebookClient(
        book,
        timeout=60,
        kernel_name="python3",
        allow_errors=True,
        resources={"metadata": {"path": str(tmp_path)}},
    )
    client.execute()
    shown, figure, refused, stopped = (cell.outputs for cell in book.cells)
    (run,) = shown  # and nothing is printed
    assert run.data["text/plain"].startswith("<Run 'experiment': completed, seed 0, in ")
    assert run.data["text/html"].count('<img src="data:image/png;base64,') == 2
    assert figure[0].data["image/png"].startswith("iVBORw0K")
    assert (refused[0].output_type, refused[0].ename) == ("error", "ExperimentError")
    assert "must be greater than 0, not -1" in refused[0].evalue
    assert "train-0002') goes on" in stopped[0].text
    assert stopped[-1].data["text/plain"] == "'interrupted'"
