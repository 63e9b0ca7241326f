"""No table and no text at any width from 30 to 250 columns cuts a number or a key.

What must be seen is taken from the data, as often as it stands there; what has no room is named.
"""

import io
import itertools
import json
import re
from collections import Counter
from typing import NamedTuple

import numpy as np
import pytest
from made_sweeps import made_results
from rich.cells import cell_len
from rich.console import Console

from lrcli.analysis.statistics import describe_metric
from lrcli.authoring.descriptions import describe
from lrcli.authoring.topics import find_topics
from lrcli.components.registry import GROUPS
from lrcli.experiment.loading import load
from lrcli.reporting import messages, reference
from lrcli.reporting.messages import print_error, print_note
from lrcli.reporting.runs import console as run_console
from lrcli.reporting.runs import overview
from lrcli.reporting.sweeps import console as sweep_console
from lrcli.reporting.sweeps.chart import sweep_chart
from lrcli.storage.result_fields import SourceFiles, Timing
from lrcli.storage.run_result import BestRecord, ExpectationRow, RecoveryRow, Reference, RunResult
from lrcli.storage.sweep_result import BestConfiguration, SweepResult
from lrcli.sweeps.plan import plan_sweep

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
WIDTHS = [*range(30, 130), *range(130, 251, 3)]  # what fits a wide terminal fits a wider one
LONG, WIDE = "n" * 100, "\u6570\u636e" * 30  # the second takes two columns a letter
EXTREME = [-1.23457e-100, 1.79769e308, 0.0, -3.4, 123456.7, 2.0, 1e-12, float("nan")]


class Shown(NamedTuple):
    """A column, or what stands outside of columns under no heading."""

    heading: str
    cells: list[str]
    always: bool = False


@pytest.fixture
def seen(monkeypatch):
    """What a report prints on a terminal of some width."""

    def printed(width, module, show, *arguments):
        out = Console(
            file=io.StringIO(),
            width=width,
            force_terminal=True,
            color_system=None,
            markup=False,
            highlight=False,
        )
        monkeypatch.setattr(module, "console", lambda **_: out)
        show(*arguments)
        return ANSI.sub("", out.file.getvalue())

    return printed


def words(text):
    """What spaces and lines leave, without the punctuation of sentences around it."""
    return [word.strip(",;:()") for word in re.sub("[\u2500-\u257f]", " ", text).split()]


def dropped(text):
    """The headings of the columns that had no room."""
    found = re.findall(
        r"^no room for ((?:.+\n)+?)(?=\S+ =|[0-9,]+ more|best possible|\n|\Z)", text, re.MULTILINE
    )
    return {name.strip() for names in found for name in " ".join(names.split()).split(",")}


def check(text, width, columns):
    """All that is shown is whole, and the rest is named."""
    assert "\u2026" not in text, width
    for line in text.splitlines():
        assert cell_len(line.rstrip()) <= width or len(line.split()) == 1, (width, line)
    gone = dropped(text)
    assert gone <= {column.heading for column in columns if not column.always}, (width, gone)
    wanted = Counter(
        word
        for column in columns
        if column.heading not in gone
        for cell in column.cells
        for word in words(str(cell))
    )
    missing = wanted - Counter(words(text))
    assert not missing, (width, missing)
    return gone


def everything_in_turn(gone):
    """What was left out at each width, from the narrowest: what has room stays when there is more of it."""
    assert gone[-1] == set()
    return [left_out for left_out, _ in itertools.groupby(gone)]


# A run.

NAMES = [f"a_long_parameter_name[{i}]" for i in range(len(EXTREME) - 1)] + ["w"]


def run_result(**fields):
    recovery = [
        RecoveryRow(name, true, learned, error)
        for name, true, learned, error in zip(NAMES, EXTREME, EXTREME[::-1], [*EXTREME[1:], 0.1], strict=True)
    ]
    expected = [
        ExpectationRow("recovery/max_abs_error", "<= 1.23457e-100", 0.214735, passed=False),
        ExpectationRow(f"recovery/{NAMES[0]}", "< 1e+300", -1.23457e-100, passed=True),
        ExpectationRow("val/loss", "> 0.5", None, passed=False),
    ]
    made = {
        "name": LONG,
        "status": "completed",
        "run_dir": f"runs/{LONG}/train-0001",
        "seed": 0,
        "epochs": 1234567,
        "steps": 123456789,
        "metrics": {"train/loss": -1.23457e-100, "val/loss": 1.79769e308, "test/accuracy": 0.123457},
        "best": BestRecord("val/loss", 1.79769e308, 3),
        "parameters": {"a_long_parameter_name": [0.0] * 7, "w": 0.0},
        "recovery": tuple(recovery),
        "reference": Reference("true", ""),
        "expectations": tuple(expected),
        "timing": Timing(12345.678, 2e4),
    }
    return RunResult(**made | fields)


class Curve:
    """A model with an equation as long as a line."""

    def equation(self, parameters):
        return "y = " + " + ".join(f"{value:.4g} x^{power}" for power, value in enumerate(EXTREME))


def test_the_report_of_a_run(seen):
    result, gone = run_result(), []
    columns = [
        Shown("parameter", NAMES, always=True),
        Shown("error", [f"{row.error:.6g}" for row in result.recovery], always=True),
        Shown("learned", [f"{row.learned:.6g}" for row in result.recovery]),
        Shown("true", [f"{row.true:.6g}" for row in result.recovery]),
        Shown("", [f"{value:.6g}" for value in result.metrics.values()], always=True),
        Shown("", [*result.metrics, LONG, "1,234,567", "123,456,789", "1.23e+04"], always=True),
        Shown("", [f"{row.name} {row.expected}" for row in result.expectations], always=True),
        Shown("", ["0.214735", "-1.23457e-100", "none", "failed", "passed", "failed"], always=True),
        Shown("", [f"{value:.4g}" for value in EXTREME], always=True),
        Shown("", [result.run_dir], always=True),
    ]
    for width in WIDTHS:
        text = seen(width, run_console, run_console.print_report, result, Curve())
        check(text, width, columns)
        for name, value in result.metrics.items():
            assert f"{name} {value:.6g}" in text, width  # a metric beside its value
        gone.append(frozenset(dropped(text)))
    blocks, *tables = everything_in_turn(gone)
    assert blocks == set()
    assert tables == [{"learned", "true"}, {"true"}, set()]


def test_the_recovery_of_what_the_data_leave_open(seen):
    """The mark beside a row stays with it."""
    rows = [
        RecoveryRow("w[0]", 1.5, -1.23457e-100, 1.5, "least_squares"),
        RecoveryRow("w[1]", 7.0, 1.2e30, -1.2e30, "least_squares", determined=False),
    ]
    reference = Reference("least_squares", "the smallest squared error", ("w[1]",), "w[1] is open")
    columns = [
        Shown("parameter", ["w[0]", "w[1]"], always=True),
        Shown("error", ["1.5"], always=True),
        Shown("learned", ["-1.23457e-100", "1.2e+30"]),
        Shown("best possible", ["1.5", "7"]),
        Shown("", ["not determined", reference.text, reference.why], always=True),
    ]

    def show():
        run_console._print_reference(run_console.console(), rows, reference)

    for width in WIDTHS:
        text = seen(width, run_console, show)
        gone = check(text, width, columns)
        assert gone in [set(), {"best possible"}, {"best possible", "learned"}]


@pytest.mark.parametrize("name", ["run", LONG, WIDE])
def test_the_overview_of_several_files(seen, name):
    results = {
        "linear.yaml": run_result(name=name),
        f"{WIDE}.yaml": run_result(best=BestRecord("val/loss", 1e-300, 1), metrics={"val/loss": -1.234e-100}),
        "wrong.yaml": None,
        "diverged.yaml": run_result(status="diverged", diverged_step=12, expectations=(), best=None),
    }
    columns = [
        Shown("file", list(results), always=True),
        Shown("status", ["completed", "completed", "wrong", "diverged"], always=True),
        Shown("expectations", ["1 of 3 met"] * 2),
        Shown("val/loss", ["1.798e+308", "-1.234e-100"]),
        Shown("name", [name]),
    ]
    for width in WIDTHS:
        check(seen(width, overview, overview.print_overview, results), width, columns)


# A sweep.

KEYS = (
    "optimizer.lr",
    "model.hidden",
    "training.early_stopping.min_delta",
    "optimizer.weight_decay",
    "model.activation",
    "training.batch_size",
)
POINTS = [
    dict(zip(KEYS, point, strict=True))
    for point in itertools.product(
        [1.2345e-100, 0.01], [[4, 4, 4, 4], [128]], [0.0, 1.234e-05], [0.0], ["relu"], [10, 1000000, "full"]
    )
]


def cell(value):
    """A swept value as it is told: four digits, and a list with x between its numbers."""
    if isinstance(value, list):
        return "x".join(map(str, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def swept():
    """24 configurations whose scores are of every size."""
    middle = np.geomspace(1e-300, 1e300, len(POINTS))
    scores = np.outer([0.9, 0.95, 1.0, 1.1, 1.2], middle)
    final = {"val/loss": scores, "recovery/max_abs_error": scores / 3}
    return made_results(scores, keys=KEYS, configurations=POINTS, final=final)


def sweep_result(results):
    best = BestConfiguration(POINTS[0], 1, 5, 0, *[1e-300] * 7)
    return SweepResult(
        name=LONG,
        source=SourceFiles("the experiment.yaml", ""),
        status="completed",
        run_dir=f"runs/{LONG}/sweep-0001",
        members=120,
        seeds=results.seeds,
        keys=KEYS,
        metric="val/loss",
        mode="min",
        memory=10**9,
        fingerprint="",
        warnings=("1.23457e-100 is a small number that a warning tells",),
        best=best,
        timing=Timing(1.0, 2.0),
    )


def test_the_report_of_a_sweep(seen):
    results = swept()
    result, statistics = sweep_result(results), describe_metric(results)
    best = range(12)  # the scores rise with the number of the configuration
    columns = [Shown("", [cell(POINTS[i][key]) for i in best], always=True) for key in KEYS]
    columns += [
        Shown("val/loss", [f"{statistics.median[i]:.3g}" for i in best], always=True),
        Shown("q25", [f"{statistics.q25[i]:.3g}" for i in best]),
        Shown("q75", [f"{statistics.q75[i]:.3g}" for i in best]),
        Shown("error", [f"{statistics.median[i] / 3:.3g}" for i in best]),
        Shown("outcome", []),
        Shown("", [f"{key}={cell(POINTS[0][key])}" for key in KEYS], always=True),
        Shown("", [f"{statistics.median[0]:.4g}", "1.23457e-100", LONG, result.run_dir], always=True),
    ]
    gone = []
    for width in WIDTHS:
        text = seen(width, sweep_console, sweep_console.print_sweep_report, results, result)
        gone.append(frozenset(check(text, width, columns)))
        for line in sweep_chart(results, width):  # its letters keep the margin, and their lines hang
            assert cell_len(line) <= width or len(line.split()) == 1
            assert not re.match(r"[a-f] [a-z_]+=", line)
    blocks, *tables = everything_in_turn(gone)
    assert blocks == set()  # each configuration in lines of its own
    assert tables == [
        {"q25", "q75", "error", "outcome"},
        {"error", "outcome"},
        {"outcome"},
        set(),
    ]


@pytest.fixture
def plan(tmp_path):
    """Of 50 configurations."""
    grid = {
        "optimizer.lr": {"values": [1.2345e-100, *np.geomspace(1e-5, 1, 9).tolist()]},
        "training.early_stopping.min_delta": {"values": [1.234e-05]},
        "model.hidden": {"values": [[4] * 8, [8], [], [16, 16], [2]]},
    }
    content = {
        "dataset": {"kind": "xor", "num_train": 40, "num_val": 20},
        "model": {"kind": "mlp", "hidden": [4]},
        "loss": {"kind": "bce"},
        "optimizer": {"kind": "adam"},
        "training": {"epochs": 3, "early_stopping": {"metric": "val/loss", "patience": 2}},
        "sweep": {"grid": grid, "seeds": 3},
    }
    (tmp_path / "exp.yaml").write_text(json.dumps(content))
    return plan_sweep(load(tmp_path / "exp.yaml"), 10**9)


def test_the_plan_of_a_sweep(seen, plan):
    shown = list(plan.configurations)[:12]
    columns = [
        Shown("", [cell(point[key]) or "none" for point in shown], always=True)
        for key in plan.configurations.keys
    ]
    columns += [
        Shown("configuration", list(map(str, range(12)))),
        Shown("", ["38 more", "150 members", "50 configurations x 3 seeds"], always=True),
    ]
    gone = [
        frozenset(check(seen(w, sweep_console, sweep_console.print_plan, plan), w, columns)) for w in WIDTHS
    ]
    assert everything_in_turn(gone)[-2:] == [{"configuration"}, set()]


# What there is to choose from.


@pytest.mark.parametrize(
    "name", ["optimizer.adam", "dataset.linear", "training", "sweep.grid", "init.values"]
)
def test_a_description(seen, name):
    (topic,) = find_topics(name)
    columns = [
        Shown("", [option.name, option.type, option.default_text, option.range, option.meaning])
        for option in topic.description.options
    ]
    columns += [Shown("", [topic.description.summary, topic.description.details, topic.description.source])]
    content = f"w: {EXTREME * 4}"  # a line of a file is never broken
    for width in WIDTHS:
        text = seen(width, reference, reference.print_description, topic.description, "In a file", content)
        assert f"    {content}\n" in text
        check(text.replace(content, ""), width, columns)


def test_the_list_of_components(seen):
    kinds = [describe(group, kind) for group, kinds in GROUPS.items() for kind in kinds]
    columns = [Shown("", [*each.name.split("."), each.summary], always=True) for each in kinds]
    for width in WIDTHS:
        text = seen(width, reference, reference.print_list, kinds)
        check(text, width, columns)
        others = [line for line in text.splitlines() if not line.startswith(tuple(GROUPS))]
        assert all(line.startswith("  ") for line in others)


def test_errors_and_notes(seen):
    message = f"exp.yaml:2:5: {KEYS[2]}: must be at least 1.23457e-100, not -1.79769e+308, in {LONG}"
    excerpt = "  2 | early_stopping: {metric: val/loss, patience: 2, min_delta: -1.79769e+308, more: 1}"
    below = "    |                                                             ^"
    for width in WIDTHS:
        text = seen(width, messages, print_error, f"{message}\n{excerpt}\n{below}\n\n{message}")
        assert f"\n{excerpt}\n{below}\n\n" in text
        check(text.replace(excerpt, "").replace(below, ""), width, [Shown("", ["error", message, message])])
        check(seen(width, messages, print_note, message), width, [Shown("", ["note", message])])
