import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lrcli.cli import main
from lrcli.components.registry import GROUPS

EXPERIMENTS = Path(__file__).parents[2] / "experiments"


@pytest.fixture
def offers(tmp_path, monkeypatch, capsys):
    """What is offered for the last of the words, as a shell asks for it."""
    shutil.copy(EXPERIMENTS / "linear.yaml", tmp_path)
    (tmp_path / "wrong.yaml").write_text("optimizer: {kind: adam, lrr: 1}\ndataset: 3\n")
    for name in ("train-0001", "sweep-0001"):
        (tmp_path / "runs" / "linear" / name).mkdir(parents=True)
        (tmp_path / "runs" / "linear" / name / "result.json").touch()
    (tmp_path / "invalid.yaml").write_text("optimizer: {kind: adam\n")
    monkeypatch.chdir(tmp_path)

    def in_bash(words):
        monkeypatch.setenv("_LRCLI_COMPLETE", "complete_bash")
        # As bash splits them: = is a word of its own.
        split = [part for word in words for part in word.replace("=", "\n=\n").split("\n")]
        split = [part for part in split[:-1] if part] + split[-1:]
        monkeypatch.setenv("COMP_WORDS", "\n".join(split))
        monkeypatch.setenv("COMP_CWORD", str(len(split) - 1))

    def in_fish(words):
        monkeypatch.setenv("_LRCLI_COMPLETE", "complete_fish")
        monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
        monkeypatch.setenv("_TYPER_COMPLETE_ARGS", " ".join(words))

    def ask(*words, shell=in_bash):
        shell(["lrcli", *words])
        monkeypatch.setattr(sys, "argv", ["lrcli"])
        with pytest.raises(SystemExit):
            main()
        return capsys.readouterr().out.splitlines()

    ask.fish = in_fish
    return ask


BASH = [
    ("tr", ["train"]),
    ("train li", []),  # files are left to the shell
    ("check li", []),
    ("show li", []),
    ("train linear.yaml optimizer.l", ["optimizer.lr=", "optimizer.lr=0.03"]),
    ("train linear.yaml optimizer.kind=", list(GROUPS["optimizer"])),
    ("train linear.yaml optimizer.kind=ad", ["adam", "adamw"]),
    ("train linear.yaml optimizer.lr=", ["0.03"]),
    (
        "train linear.yaml optimizer.kind=adam optimizer.a",
        ["optimizer.amsgrad=", "optimizer.amsgrad=true", "optimizer.amsgrad=false"],
    ),
    ("train linear.yaml optimizer.be", []),
    (
        "train linear.yaml seed=1 dataset.n",
        ["dataset.noise=", "dataset.num_train=", "dataset.num_val=", "dataset.num_test="],
    ),
    ("show linear.yaml model.init.kind=xavier", ["xavier_uniform", "xavier_normal"]),
    ("show linear.yaml dtyp", ["dtype=", "dtype=float32", "dtype=float64"]),
    ("data linear.yaml training.batch", ["training.batch_size=", "training.batch_size=32"]),
    ("train wrong.yaml optimizer.be", ["optimizer.betas=", "optimizer.betas=[0.9,0.999]"]),
    ("train invalid.yaml optimizer.l", ["optimizer.lr=", "optimizer.lr=0.001"]),
    ("train missing.yaml loss.de", ["loss.delta=", "loss.delta=1.0"]),
    ("train linear.yaml --device c", ["cpu", "cuda"]),
    ("train linear.yaml --engine ", ["auto", "compiled", "torch"]),
    ("sweep linear.yaml --engine c", ["compiled"]),
    ("resume ", ["last", "linear"]),
    ("resume li", ["linear"]),
    ("resume runs/li", []),  # a path is left to the shell
    ("replay linear/", ["linear/sweep-0001", "linear/train-0001"]),
    ("replay --runs-dir others ", ["last"]),
    ("list sch", ["schedule"]),
    ("describe optimizer.ad", ["optimizer.adam", "optimizer.adamw"]),
    ("init new --dataset x", ["xor"]),
]


@pytest.mark.parametrize(("line", "expected"), BASH)
def test_offers(offers, line, expected):
    assert offers(*line.split(" ")) == expected


def test_a_shell_that_keeps_the_word_whole(offers):
    found = offers("train", "linear.yaml", "optimizer.kind=ad", shell=offers.fish)
    assert [word.split("\t")[0] for word in found] == ["optimizer.kind=adam", "optimizer.kind=adamw"]
    assert "Kingma" not in found[0]
    assert "m' / (sqrt(v') + eps)" in found[0]  # its formula


def test_every_component_is_offered(offers):
    components = [f"{group}.{kind}" for group, kinds in GROUPS.items() for kind in kinds]
    assert offers("describe", "")[: len(components)] == components
    assert {"training", "sweep.grid", "seed"} <= set(offers("describe", ""))


def test_completing_needs_no_torch():
    code = (
        "import sys, pathlib\n"
        "from lrcli.authoring.completion import complete_override\n"
        f"assert complete_override(pathlib.Path({str(EXPERIMENTS / 'linear.yaml')!r}), [], 'optimizer.')\n"
        "assert not {'torch', 'tensorboard'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
