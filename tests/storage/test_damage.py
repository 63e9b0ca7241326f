"""What becomes of a run or a sweep whose files were damaged: an error by their name, or the same numbers."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from damaging import without_digests

from lrcli.errors import LrcliError
from lrcli.experiment.loading import load
from lrcli.running.trained import experiment_of, read_run
from lrcli.storage.reading import find_result, read_result
from lrcli.storage.table_reading import (
    read_arrays,
    read_curves,
    read_members,
    read_metrics,
    read_parameters,
    read_path,
    read_study,
    read_summary,
)
from lrcli.sweeps.reading import read_sweep

EXPERIMENT = """
name: line
dataset: {kind: linear, w: [2.0, -3.4], b: 4.2, num_train: 20, num_val: 20}
model: {kind: linear}
loss: {kind: half_mse}
optimizer: {kind: adam, lr: 0.03}
training: {epochs: 2, batch_size: 10}
logging: {figures: false, tensorboard: false, report: false}
"""
LARGE = 3000  # bytes of a file of which every length is tried
FLIPS = 1000

RUN_FILES = {
    "result.json": None,
    "experiment.yaml": None,
    "metrics.csv": read_metrics,
    "checkpoint/last.npz": read_parameters,
    "checkpoint/best.npz": read_parameters,
    "checkpoint/path.npz": read_path,
    "checkpoint/optimizer.npz": read_arrays,
}
SWEEP_FILES = {
    "result.json": None,
    "results.csv": read_members,
    "summary.csv": read_summary,
    "recovery.csv": read_study,
    "curves.npz": read_curves,
    "reference.npz": read_arrays,
}
FILES = [("run", name) for name in RUN_FILES] + [("sweep", name) for name in SWEEP_FILES]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A directory with a run and a sweep, as they were written."""
    import lrcli

    place = tmp_path_factory.mktemp("made")
    (place / "line.yaml").write_text(EXPERIMENT)
    lrcli.train(place / "line.yaml", run_dir=place / "run")
    lrcli.sweep(place / "line.yaml", lr=[0.01, 0.1], seeds=2, run_dir=place / "sweep")
    return place


@pytest.fixture
def place(made, tmp_path):
    """A copy of these, to be damaged."""
    shutil.copytree(made, tmp_path / "place")
    return tmp_path / "place"


def plain(value):
    """Anything that a reader gives, to be compared."""
    if isinstance(value, np.ndarray):
        return str(value.dtype), value.tobytes() if value.dtype != object else value.tolist()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    fields = getattr(value, "__dataclass_fields__", None)
    return repr(value) if fields is None else {name: plain(getattr(value, name)) for name in fields}


def reader(directory, name):
    """What reads a file as the commands do, that is by what the result says of it."""
    if name == "result.json":
        return lambda: read_result(directory)
    result = read_result(directory)
    if name == "experiment.yaml":
        return lambda: experiment_of(directory, result)
    read = (RUN_FILES if directory.name == "run" else SWEEP_FILES)[name]
    return lambda: read(result.file(directory, name))


def damaged(content):
    """The content cut at many lengths, and with a bit flipped in many places."""
    lengths = range(len(content)) if len(content) <= LARGE else range(0, len(content), len(content) // 500)
    yield from (content[:length] for length in lengths)
    for bit in np.random.default_rng(0).integers(8 * len(content), size=FLIPS).tolist():
        place = bit // 8
        yield content[:place] + bytes([content[place] ^ (1 << bit % 8)]) + content[place + 1 :]


def refusal(read):
    """What a reader gives, or the error that it raises, which is never another than one of lrcli's."""
    try:
        return read(), None
    except LrcliError as error:
        return None, error


@pytest.mark.parametrize(("kind", "name"), FILES, ids=str)
def test_a_damaged_file_is_refused_or_read_as_it_was(place, kind, name):
    file = place / kind / name
    read, content = reader(place / kind, name), file.read_bytes()
    expected = plain(read())
    for other in damaged(content):
        file.write_bytes(other)
        _, error = refusal(read)
        assert error is not None
        assert error.exit_code == 2
        assert name in str(error) or "was stopped before it had a result" in str(error)
    if not name.endswith(".npz"):
        content = content.replace(b"\n", b"\r\n")
    file.write_bytes(content)
    assert plain(read()) == expected  # as Git may check them out


@pytest.mark.parametrize(("kind", "name"), [each for each in FILES if each[1] != "experiment.yaml"], ids=str)
def test_a_damaged_file_of_an_older_version_is_never_a_crash(place, kind, name):
    """Nobody can tell whether its numbers are what they were."""
    without_digests(place / kind)
    file = place / kind / name
    read, content = reader(place / kind, name), file.read_bytes()
    for other in list(damaged(content))[::5]:
        file.write_bytes(other)
        _, error = refusal(read)
        assert error is None or error.exit_code == 2


def test_a_damaged_experiment_of_an_older_version(place):
    content = (place / "run" / "experiment.yaml").read_bytes()
    for other in list(damaged(content))[::30]:
        (place / "run" / "experiment.yaml").write_bytes(other)
        _, error = refusal(lambda: load(place / "run" / "experiment.yaml"))
        assert error is None or error.exit_code == 2


@pytest.mark.parametrize(("kind", "name"), FILES, ids=str)
def test_a_file_that_is_gone(place, kind, name):
    """No other takes its place, and nothing is as if it had never been there."""
    read = reader(place / kind, name)
    (place / kind / name).unlink()
    told = "was stopped before it had a result" if name == "result.json" else Path(name).name
    with pytest.raises(LrcliError, match=told):
        read()


@pytest.mark.parametrize("name", ["experiment.yaml", "metrics.csv", "checkpoint/path.npz"])
def test_a_run_whose_file_was_changed_is_not_read(place, name):
    with (place / "run" / name).open("ab") as file:
        file.write(b"# ")
    with pytest.raises(LrcliError, match=rf"{name}: has been .*changed since .* put it back"):
        read_run(place / "run")


@pytest.mark.parametrize("name", ["results.csv", "curves.npz", "reference.npz"])
def test_a_sweep_whose_file_was_changed_is_not_read(place, name):
    with (place / "sweep" / name).open("ab") as file:
        file.write(b"0")
    with pytest.raises(LrcliError, match=rf"{name}: has been damaged or changed .* lrcli resume "):
        read_sweep(place / "sweep")


@pytest.mark.parametrize("schema", [0, -1, 1.5, True, "1", None, []])
def test_a_schema_that_there_never_was(place, schema):
    without_digests(place / "run")
    file = place / "run" / "result.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"schema": schema}))
    with pytest.raises(LrcliError, match="damaged or edited by hand"):
        find_result(place / "run")


@pytest.mark.parametrize("schema", [1, 2, 3])
def test_a_result_that_was_edited_by_hand(place, schema):
    """Also where its version was changed, so that it would need no digest."""
    file = place / "run" / "result.json"
    file.write_text(
        file.read_text().replace('"schema": 2', f'"schema": {schema}').replace('"seed": 0', '"seed": 1')
    )
    with pytest.raises(LrcliError, match=r"result\.json: has been damaged or edited by hand"):
        find_result(file)


@pytest.mark.parametrize("names", [["results.csv"], ["curves.npz", "summary.csv"]])
@pytest.mark.parametrize("gone", [True, False])
def test_a_complete_sweep_that_lost_files_is_trained_again(place, lrcli_in, names, gone):
    whole = {path.name: path.read_bytes() for path in (place / "sweep").iterdir()}
    for name in names:
        if gone:
            (place / "sweep" / name).unlink()
        else:
            (place / "sweep" / name).write_bytes(whole[name][:-30])
    done = lrcli_in(place, "resume", "./sweep")
    note = "gone, damaged or changed since the sweep ended; all 4 members are trained again"
    assert all(name in done.stderr for name in [*names, note])
    for name, content in whole.items():
        if name != "result.json":
            assert (place / "sweep" / name).read_bytes() == content
    assert "is complete; nothing was trained" in lrcli_in(place, "resume", "./sweep").stderr


@pytest.mark.parametrize(
    "name", [name for name in RUN_FILES if name not in ("result.json", "experiment.yaml")]
)
def test_a_run_that_had_ended_and_lost_a_file_has_it_again(place, lrcli_in, name):
    whole = {each: (place / "run" / each).read_bytes() for each in RUN_FILES if each != "result.json"}
    (place / "run" / name).write_bytes(whole[name][:-30])
    done = lrcli_in(place, "resume", "./run")
    assert f"{name}: gone, damaged or changed since the run ended" in done.stderr
    assert {each: (place / "run" / each).read_bytes() for each in whole} == whole
    assert "nothing was trained" in lrcli_in(place, "resume", "./run").stderr
