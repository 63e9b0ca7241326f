"""Results as a type: what is written is read back, and what cannot be read is refused with the reason."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lrcli.errors import RunDirectoryError
from lrcli.storage.files import replace_nonfinite, write_result
from lrcli.storage.reading import find_result, read_result
from lrcli.storage.result_fields import FileDigest, SourceFiles, StableRate, Timing
from lrcli.storage.run_result import (
    BestRecord,
    CurvatureEnds,
    CurvatureRow,
    ExpectationRow,
    PreconditionedRow,
    RecoveryRow,
    Reference,
    Repetition,
    RunResult,
)
from lrcli.storage.sweep_result import (
    BestConfiguration,
    ConfigurationRow,
    Divergence,
    OpenParameters,
    StableRateRow,
    SweepResult,
)

SETTINGS = settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)

texts = st.text(max_size=8)
counts = st.integers(0, 2**53)
# Denormals are flushed to zero in a process that has trained.
finite = st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False)
numbers = finite | st.just(math.nan)  # the very NaN that a reader gives, so that results can be compared
tables = st.dictionaries(texts, numbers, max_size=3)
nested = st.recursive(numbers, lambda inner: st.lists(inner, max_size=3), max_leaves=6)
swept = st.none() | st.booleans() | st.integers() | finite | texts | st.lists(finite, max_size=2)
digests = st.builds(FileDigest, texts, texts)


def some(strategy):
    return st.lists(strategy, max_size=3).map(tuple)


sources = st.builds(SourceFiles, texts, texts, some(digests), some(texts), some(digests))
rates = st.builds(StableRate, st.none() | finite, texts)
curvature_rows = st.none() | st.builds(CurvatureRow, finite, finite, st.none() | finite, st.booleans())
preconditioned = st.none() | st.builds(PreconditionedRow, finite, finite, finite)
curvatures = st.builds(CurvatureEnds, curvature_rows, curvature_rows, texts, preconditioned)
maybe = st.none() | finite
stable_rates = st.builds(
    StableRateRow,
    *(st.dictionaries(texts, swept, max_size=3), maybe, maybe, maybe, counts, texts, st.booleans(), texts),
)
divergences = st.builds(Divergence, some(stable_rates), counts, counts, counts, counts, counts)
timings = st.builds(Timing, finite, finite)
environments = st.dictionaries(texts, st.none() | texts | st.booleans() | st.integers(), max_size=3)
rows = st.builds(
    ConfigurationRow, st.dictionaries(texts, swept, max_size=3), counts, counts, counts, *[numbers] * 5
)
best_rows = st.builds(
    lambda row, low, high, like, test: BestConfiguration(
        **vars(row), low=low, high=high, like_best=like, test=test
    ),
    *(rows, numbers, numbers, some(counts), tables),
)
run_results = st.builds(
    RunResult,
    name=texts,
    source=st.none() | sources,
    command_line=st.none() | some(texts),
    started=texts,
    ended=texts,
    status=st.sampled_from(["running", "completed", "stopped_early", "diverged", "interrupted", "failed"]),
    run_dir=texts,
    files=st.dictionaries(texts, texts, max_size=3),
    seed=counts,
    epochs=counts,
    steps=counts,
    diverged_step=st.none() | counts,
    stability=st.none() | rates,
    curvature=st.none() | curvatures,
    metrics=tables,
    best=st.none() | st.builds(BestRecord, texts, numbers, counts),
    parameters=st.dictionaries(texts, nested, max_size=3),
    recovery=some(st.builds(RecoveryRow, texts, numbers, numbers, numbers, texts, st.booleans())),
    reference=st.none() | st.builds(Reference, st.none() | texts, texts, some(texts), texts),
    expectations=some(st.builds(ExpectationRow, texts, texts, st.none() | finite, st.booleans())),
    repetition=st.none() | st.builds(Repetition, texts, st.booleans(), st.none() | counts),
    timing=st.none() | timings,
    environment=environments,
)
unfinished_sweeps = {
    "name": texts,
    "source": st.none() | sources,
    "command_line": st.none() | some(texts),
    "started": texts,
    "ended": texts,
    "data": some(st.builds(FileDigest, texts, texts)),
    "status": st.sampled_from(["running", "completed", "interrupted", "failed"]),
    "run_dir": texts,
    "files": st.dictionaries(texts, texts, max_size=3),
    "members": counts,
    "seeds": some(counts),
    "keys": some(texts),
    "metric": texts,
    "mode": st.sampled_from(["min", "max"]),
    "memory": counts,
    "fingerprint": texts,
    "warnings": some(texts),
    "environment": environments,
}
sweep_results = st.builds(SweepResult, **unfinished_sweeps) | st.builds(
    SweepResult,
    **unfinished_sweeps,
    configurations=some(rows),
    configurations_left_out=counts,
    best=st.none() | best_rows,
    stability=st.none() | rates,
    divergence=st.none() | divergences,
    reference=st.builds(OpenParameters, some(texts), texts),
    diverged=counts,
    missing=counts,
    timing=timings,
)


@SETTINGS
@given(run_results | sweep_results)
def test_what_is_written_is_read_back(tmp_path, result):
    write_result(tmp_path / "result.json", result.as_data())
    assert read_result(tmp_path) == result
    again = replace_nonfinite(read_result(tmp_path).as_data())
    assert json.dumps(again) == json.dumps(replace_nonfinite(result.as_data()))  # the order of the keys, too


RUN = RunResult(name="line", status="completed", run_dir="runs/line/train-0001", seed=0, epochs=1, steps=4)


@pytest.fixture
def written(tmp_path):
    """Writes the result of a run with other fields."""

    def write(**fields):
        write_result(tmp_path / "result.json", RUN.as_data() | fields)
        return tmp_path

    return write


def test_the_keys_of_a_run_are_those_of_the_schema():
    assert list(RUN.as_data()) == [
        *["schema", "command", "name", "source", "command_line", "started", "ended"],
        *["data", "status", "run_dir", "files", "seed", "epochs"],
        *[
            "steps",
            "diverged_step",
            "outcome",
            "stability",
            "curvature",
            "metrics",
            "best",
            "parameters",
            "recovery",
            "reference",
        ],
        *["expectations", "repetition", "timing", "environment"],
    ]


def test_unknown_keys_are_left_out(written):
    assert read_result(written(colour="red", metrics={"a": 1.0})).metrics == {"a": 1.0}
    timing = {"train_seconds": 1.0, "total_seconds": 2.0, "coffee_seconds": 3.0}
    assert read_result(written(timing=timing)).timing == Timing(1.0, 2.0)


def test_a_result_of_the_first_version_is_read(written):
    """Which did not say where it came from, nor what the errors were held against."""
    row = {"name": "b", "true": 1.0, "learned": 0.5, "error": 0.5}
    path = written(recovery=[row], schema=1) / "result.json"
    data = json.loads(path.read_text())
    for key in ("source", "reference", "stability", "outcome", "files", "sha256"):
        del data[key]
    path.write_text(json.dumps(data))
    assert read_result(path).recovery == (RecoveryRow("b", 1.0, 0.5, 0.5),)
    assert (read_result(path).source, read_result(path).reference) == (None, None)


def test_a_newer_result_is_refused(written):
    with pytest.raises(RunDirectoryError, match=r"result\.json: is of schema 3.*update lrcli"):
        read_result(written(schema=3, command="lr-find"))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"steps": "many"}, ["steps: ", "integer"]),
        ({"status": "odd"}, ["status: ", "'completed'"]),
        ({"best": {"metric": "val/loss"}}, ["best.value: ", "best.epoch: "]),
        ({"recovery": [{"name": "b"}]}, ["recovery.0.true: "]),
        ({"metrics": {"a": "x"}, "seed": None}, ["metrics.a: ", "seed: "]),
    ],
    ids=str,
)
def test_a_damaged_result_is_refused_with_every_mistake(written, fields, words):
    with pytest.raises(RunDirectoryError) as caught:
        read_result(written(**fields))
    assert caught.value.exit_code == 2
    message = str(caught.value)
    assert message.startswith(
        f"{written(**fields) / 'result.json'}: has been damaged; mend it, or train again:\n"
    )
    assert all(word in message for word in words)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"command": "dance"}', "[" * 100_000], ids=lambda t: t[:9]
)
def test_what_is_no_result(tmp_path, text):
    (tmp_path / "result.json").write_text(text)
    assert find_result(tmp_path) is None
    with pytest.raises(RunDirectoryError, match="holds no result of a run or a sweep; name its directory"):
        read_result(tmp_path)
    assert find_result(tmp_path / "nowhere") is None
    assert find_result(Path("\0")) is None
