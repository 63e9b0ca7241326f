"""Kills runs and sweeps at random moments, and their resumptions, and compares how they end.

    python tests/killing.py --trials 200 --seed 0

Each trial draws a dataset, a model, an optimizer with its options, a schedule, noise, early stopping and an
engine, trains once undisturbed, then again, killed (SIGKILL) at a random moment or right before a random
operation on files, again and again while it is resumed. At last it is resumed to its end, and all that it
leaves must be what the undisturbed one has left, to the last bit: parameters, tables, TensorBoard's curves,
and result.json but for times. For systems that can fork.
"""

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import yaml

COUNTED = {
    "open",
    "os.rename",
    "os.remove",
    "os.mkdir",
    "os.truncate",
    "os.rmdir",
}  # of Python's audit events
OPTIMIZERS = [
    {"kind": "sgd", "lr": 0.05, "momentum": 0.9},
    {"kind": "sgd", "lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.001},
    {"kind": "sgd", "lr": 0.05, "momentum": 0.5, "dampening": 0.5},
    {"kind": "rmsprop", "lr": 0.01, "momentum": 0.5, "centered": True},
    {"kind": "adam", "lr": 0.02, "amsgrad": True},
    {"kind": "adamw", "lr": 0.02},
]
SCHEDULES = [
    {"kind": "constant"},
    {"kind": "step", "every": 40},
    {"kind": "exponential", "gamma": 0.999},
    {"kind": "cosine"},
    {"kind": "linear_warmup", "steps": 30},
]
PROBLEMS = [
    (
        {"kind": "linear", "w": [2.0, -3.4], "b": 4.2, "noise": 0.01, "num_train": 60, "num_val": 20},
        {"kind": "linear"},
        {"kind": "half_mse"},
    ),
    (
        {"kind": "sine", "num_train": 50, "num_val": 20},
        {"kind": "polynomial", "degree": 3},
        {"kind": "huber"},
    ),
    (
        {"kind": "xor", "num_train": 60, "num_val": 20, "num_test": 20},
        {"kind": "mlp", "hidden": [4], "input_noise": 0.1},
        {"kind": "bce"},
    ),
]


def drawn(rng):
    """The command and the experiment of a trial."""
    dataset, model, loss = rng.choice(PROBLEMS)
    training = {"epochs": rng.choice([30, 60, 120]), "batch_size": rng.choice([10, 25, "full"])}
    if rng.random() < 0.4:
        training["early_stopping"] = {"metric": "val/loss", "patience": 5, "min_delta": 1e-4}
    experiment = {
        "name": "killed",
        "seed": rng.randrange(100),
        "engine": rng.choice(["auto", "auto", "torch"]),
        "dtype": rng.choice(["float32", "float64"]),
        "dataset": dataset,
        "model": model,
        "loss": loss,
        "optimizer": rng.choice(OPTIMIZERS) | {"schedule": rng.choice(SCHEDULES)},
        "training": training,
        "logging": {
            "every": rng.choice([1, 7]),
            "figures": rng.random() < 0.05,
            "histograms": rng.random() < 0.2,
        },
    }
    if rng.random() < 0.5:
        return ["train", "exp.yaml"], experiment
    rates = {"optimizer.lr": {"values": [0.001, 0.05, 1e9]}}
    experiment["sweep"] = {"grid": rates, "seeds": rng.choice([2, 5])}
    return ["sweep", "exp.yaml", "--memory", rng.choice(["1KB", "1GB"])], experiment


def run(place, words, kill=None, out=None):
    """Run lrcli in a process of its own, and give its exit code, negative where it was killed.

    Args:
        place: the directory.
        words: of the command line.
        kill: seconds after which it is killed, or the number of the operation on files before which it is.
        out: the directory in which out.txt gets what it says; the same one.
    """
    process = os.fork()
    if process == 0:
        _be_lrcli(place, words, kill if isinstance(kill, int) else None, out or place)
    if isinstance(kill, float):
        time.sleep(kill)
        os.kill(process, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def _be_lrcli(place, words, kill, log):
    """Never comes back."""
    from lrcli.cli.app import main
    from lrcli.running import keeping
    from lrcli.training import loop

    keeping.EVERY_SECONDS, loop._CHUNK_SECONDS = 0.0, 0.001  # states as often as can be
    os.chdir(place)
    out = os.open(log / "out.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(out, 1)
    os.dup2(out, 2)
    sys.stdout, sys.stderr = (open(fd, "w", closefd=False) for fd in (1, 2))  # noqa: SIM115
    count = 0

    def counting(event, arguments):
        nonlocal count
        if event in COUNTED and "killed" in str(arguments[0]):  # in the directory of the run
            count += 1
            if count == kill:
                os.kill(os.getpid(), signal.SIGKILL)

    if kill is not None:
        sys.addaudithook(counting)
    sys.argv = ["lrcli", *map(str, words)]
    code = 99
    try:
        main()
    except SystemExit as ended:
        code = ended.code or 0
    except BaseException:  # what should never be
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


def left(directory):
    """What a run or a sweep has left, without times and places."""
    found = {}
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory).as_posix()
        if (
            path.is_dir()
            or "events.out" in name
            or name.startswith(("figures/", "checkpoint/state", "log.txt"))
        ):
            continue
        if name not in {"result.json", "report.html"}:
            found[name] = path.read_bytes()
    result = json.loads((directory / "result.json").read_text())
    for key in ("run_dir", "timing", "environment", "sha256", "files"):
        result.pop(key, None)
    found["result.json"] = result
    found["curves"] = {str(path.relative_to(directory)): curves(path) for path in _with_events(directory)}
    return found


def _with_events(directory):
    return sorted({path.parent for path in directory.rglob("events.out.tfevents.*")})


def curves(directory):
    """All that TensorBoard would read in a directory, in its order: tag, step and content."""
    from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
    from tensorboard.compat.proto.event_pb2 import Event

    found = []
    for path in sorted(directory.glob("events.out.tfevents.*")):
        for raw in RawEventFileLoader(str(path)).Load():
            event = Event.FromString(raw)
            for value in event.summary.value:
                plain = value.WhichOneof("value") in {"simple_value", "histo"}
                found.append((value.tag, event.step, value.SerializeToString() if plain else b""))
    return found


def trial(place, rng):
    """One experiment, killed and resumed.

    Returns:
        What happened, and whether it could not be resumed for it had left nothing.
    """
    words, experiment = drawn(rng)
    (place / "exp.yaml").write_text(yaml.safe_dump(experiment))
    began = time.monotonic()
    whole = run(place, [*words, "-q", "--run-dir", "whole"])
    taken = time.monotonic() - began
    knows_source = True
    cut, told, resume = place / "runs" / "killed" / "cut", [], [*words, "-q", "--run-dir", "runs/killed/cut"]
    for _ in range(rng.choice([1, 1, 2, 4])):
        kill = rng.uniform(0.0, taken) if rng.random() < 0.5 else rng.randint(1, 120)
        told.append((kill, run(place, resume, kill)))
        if (cut / "experiment.yaml").exists():
            knows_source &= (cut / "result.json").exists()
            resume = ["resume", "runs/killed/cut", "-q"]
        else:
            shutil.rmtree(cut, ignore_errors=True)
    told.append(("end", run(place, resume)))
    summary = f"{words[0]} {experiment['engine']} {experiment['optimizer']['kind']} {told}"
    output = (place / "out.txt").read_text()
    assert told[-1][1] == whole, f"{summary}\n{output}"
    assert "Traceback" not in output, f"{summary}\n{output}"
    expected, found = left(place / "whole"), left(cut)
    for each in (found, expected):
        for key in () if knows_source else ("source", "memory", "fingerprint"):
            each["result.json"].pop(
                key, None
            )  # what is not known of one that was killed before it had said it
    assert found.keys() == expected.keys(), (summary, found.keys() ^ expected.keys())
    different = [name for name in expected if expected[name] != found[name]]
    assert not different, (summary, different, [(expected[n], found[n]) for n in different])
    return summary


def trials(count, seed, directory):
    """Several; each has its own random numbers, so that one can be looked at alone."""
    for number in range(count):
        place = Path(directory) / str(number)
        place.mkdir()
        yield number, trial(place, random.Random(f"{seed}/{number}"))  # noqa: S311
        shutil.rmtree(place)


def warm():
    """Import what the processes need, but start no thread: they do not survive a fork."""
    import tensorboard.summary.writer.record_writer  # noqa: F401
    import torch  # noqa: F401

    import lrcli.cli.app
    import lrcli.engines.compiled.engine
    import lrcli.engines.torch.engine
    import lrcli.reporting.runs.presentation
    import lrcli.reporting.runs.tensorboard
    import lrcli.reporting.sweeps.presentation
    import lrcli.running.single
    import lrcli.sweeps.running  # noqa: F401


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    warm()
    with tempfile.TemporaryDirectory() as directory:
        for number, summary in trials(arguments.trials, arguments.seed, directory):
            print(number, summary, flush=True)  # noqa: T201
