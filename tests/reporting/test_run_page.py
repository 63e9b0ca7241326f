"""The report of a run, and of several: every number is the result's, whatever has become of the run."""

import datetime
import math
import shlex
from dataclasses import replace

import numpy as np
import pytest
import yaml
from pages import ReadPage, assert_sound

from lrcli.config.metrics import metric_of
from lrcli.experiment.experiment import Experiment, resolved
from lrcli.reporting.pages.html import page_html
from lrcli.reporting.runs.comparison_page import comparison_page
from lrcli.reporting.runs.page import run_page
from lrcli.running.trained import TrainedRun
from lrcli.storage.history import History
from lrcli.storage.parameter_path import ParameterPath
from lrcli.storage.result_fields import FileDigest, SourceFiles, StableRate, Timing
from lrcli.storage.run_result import BestRecord, ExpectationRow, RecoveryRow, Reference, RunResult
from lrcli.training.problem import build_problem

LINE = {
    "name": "line",
    "description": "a line",
    "dataset": {"kind": "linear", "w": [2.0, -3.4], "b": 4.2, "num_train": 50, "num_val": 20},
    "model": {"kind": "linear"},
    "loss": {"kind": "half_mse"},
    "optimizer": {"kind": "sgd", "lr": 0.05},
    "training": {"epochs": 3, "batch_size": 16},
    "expect": {"val/loss": "<= 0.2"},
}
RESULT = RunResult(
    name="line",
    source=SourceFiles("my files/line.yaml", "a" * 64, (FileDigest("base.yaml", "b" * 64),), ("seed=3",)),
    status="completed",
    run_dir="runs/line/train-0001",
    seed=3,
    epochs=3,
    steps=12,
    metrics={"train/running_loss": 0.2345678, "train/loss": 0.12345678901, "val/loss": 1 / 3, "lr": 0.05},
    best=BestRecord("val/loss", 0.25, 2),
    parameters={"w": [[1.5], [-3.0]], "b": [4.0]},
    recovery=(
        RecoveryRow("w[0]", 2.0, 1.5, 0.5),
        RecoveryRow("w[1]", -3.4, -3.0, -0.4),
        RecoveryRow("b", 4.2, 4.0, 0.2),
    ),
    reference=Reference("true", "the rule behind the data"),
    expectations=(
        ExpectationRow("val/loss", "<= 0.2", 1 / 3, False),
        ExpectationRow("recovery/b", "<= 1", 0.2, True),
    ),
    timing=Timing(0.0123, 0.5),
    environment={
        "lrcli": "1.2.3",
        "engine": "compiled",
        "threads": 2,
        "git_commit": None,
        "git_dirty": False,
    },
)
NAN = math.nan
ENDINGS = {
    "completed": ({}, "Completed (3 epochs, 12 steps in 0.0123 s)."),
    "stopped_early": ({}, "Stopped early: no improvement (3 epochs"),
    "diverged": (
        {
            "diverged_step": 13,
            "stability": StableRate(0.04),
            "metrics": {"train/loss": NAN, "val/loss": NAN, "lr": 0.05},
            "parameters": {"w": [[NAN], [NAN]], "b": [NAN]},
            "recovery": tuple(RecoveryRow(n, 1.0, NAN, NAN) for n in ("w[0]", "w[1]", "b")),
            "best": None,
            "expectations": (ExpectationRow("val/loss", "<= 0.2", None, False),),
        },
        "Diverged at step 13; a rate of 0.05 is 1.2 times the largest stable one, 0.04; try a smaller ",
    ),
    "interrupted": ({}, "Interrupted; lrcli resume goes on with it"),
    "failed": (
        dict.fromkeys(("best", "reference", "timing"))
        | {"metrics": {}, "parameters": {}, "recovery": (), "expectations": ()},
        "Failed; lrcli resume goes on with it (3 epochs, 12 steps).",
    ),
    "running": (
        {"reference": None, "timing": None, "recovery": (), "parameters": {}},
        "Has not ended, or was ended before it could say how; lrcli resume goes on with it",
    ),
}


def experiment(**changes):
    return Experiment.model_validate(LINE | changes)


def read(result, of=None):
    html = page_html(run_page(result, of or experiment(), []), datetime.date(2026, 1, 31))
    page = ReadPage(html)
    assert_sound(page)
    return page


@pytest.mark.parametrize("status", ENDINGS)
def test_every_ending_has_a_page(status):
    changes, said = ENDINGS[status]
    page = read(replace(RESULT, status=status, **changes))
    assert said in page.text
    headings = [text for level, text in page.headings if level == 2]
    assert headings[-2:] == ["Settings", "How to repeat it"]
    assert "nan" not in page.text.split()
    assert "None" not in page.text


def test_every_number_is_the_results():
    page = read(RESULT)
    metrics = page.tables["The last value of each metric"]
    assert dict(zip(metrics.column("metric"), metrics.numbers("value"), strict=True)) == RESULT.metrics
    parameters = page.tables["Parameters after training"]
    assert parameters.column("parameter") == ["w[0]", "w[1]", "b"]
    for heading in ("true", "learned", "error"):
        assert parameters.numbers(heading) == [getattr(row, heading) for row in RESULT.recovery]
    expected = page.tables["What was expected, and what came out"]
    assert expected.rows[0] == ["val/loss", "<= 0.2", "0.333333", "failed"]
    assert expected.numbers("value") == [1 / 3, 0.2]
    facts = page.tables["What the numbers depend on"]
    assert facts.rows == [
        ["seed", "3"],
        ["lrcli", "1.2.3"],
        ["engine", "compiled"],
        ["threads", "2"],
        ["git_dirty", "false"],
    ]


def test_the_words_say_what_was_asked_and_found():
    page = read(RESULT)
    assert page.texts["h1"] == ["line"]
    said = page.texts["p"]
    assert said[0] == "a line"
    assert said[1].startswith("A run of lrcli: linear data (50 examples), linear model (3 parameters)")
    assert "At its end: train/loss 0.1235, val/loss 0.3333; the best val/loss was 0.25, at epoch 2." in said
    assert (
        "Of 3 parameters, w[0] is the farthest from its true value: 1.5 learned, 2 true, an error of 0.5."
    ) in said
    assert "1 of 2 expectations met: val/loss is 0.3333, expected <= 0.2." in said


def test_what_the_data_leave_open_is_no_error():
    rows = tuple(replace(row, determined=row.name != "w[0]") for row in RESULT.recovery)
    page = read(replace(RESULT, recovery=rows, reference=Reference("true", "", ("w[0]",), "Open: w[0].")))
    assert "Of 2 parameters, w[1] is the farthest" in page.text
    assert page.tables["Parameters after training"].column("note") == ["not determined", "", ""]
    assert "Open: w[0]." in page.texts["p"]
    none = tuple(replace(row, determined=False) for row in RESULT.recovery)
    page = read(replace(RESULT, recovery=none, reference=Reference("true", "", ("w[0]",), "All open.")))
    assert "farthest" not in page.text


def test_where_nothing_is_known_to_compare_with_it_says_why():
    page = read(replace(RESULT, recovery=(), reference=Reference(None, "Nobody knows.")))
    assert page.texts["p"].count("Nobody knows.") == 2  # among the first words, and in its section
    assert "Parameters after training" not in page.tables


def test_many_parameters_are_told_as_far_as_they_can_be_read():
    rows = tuple(RecoveryRow(name, 1.0, 1.0, 0.0) for name in [*(f"w[{i}]" for i in range(999)), "b"])
    page = read(replace(RESULT, recovery=rows, parameters={"w": [[1.0]] * 999, "b": [1.0]}))
    assert len(page.tables["Parameters after training"].rows) == 300
    assert "700 more in result.json" in page.text


def test_the_settings_say_the_experiment_in_both_forms():
    of = experiment(optimizer={"kind": "adam", "lr": 0.5, "schedule": {"kind": "step", "every": 3}})
    own, every, *_ = read(RESULT, of).texts["code"]
    assert Experiment.model_validate(yaml.safe_load(own)) == of
    assert yaml.safe_load(every) == resolved(of)
    assert "momentum" not in own
    assert "default" not in own
    marked = {line.split(":")[0].strip() for line in every.splitlines() if line.endswith("# default")}
    assert {"seed", "device", "dtype", "feature_std", "reduction", "betas", "shuffle"} <= marked
    assert not marked & {"lr", "kind", "name", "epochs", "num_train", "every"}


def test_the_commands_are_what_a_shell_understands():
    page = read(replace(RESULT, run_dir="runs/a b/train-0001"))
    commands = [line for text in page.texts["code"][2:] for line in text.splitlines()]
    assert [shlex.split(line) for line in commands] == [
        ["lrcli", "train", "experiment.yaml"],
        ["lrcli", "train", "runs/a b/train-0001/experiment.yaml"],
        ["lrcli", "train", "my files/line.yaml", "seed=3"],
    ]
    files = page.tables["Files that were read"]
    assert files.column("file") == ["my files/line.yaml", "base.yaml"]
    assert files.column("SHA-256 of its content") == ["a" * 64, "b" * 64]


def test_a_lesson_is_part_of_the_command():
    lesson = (FileDigest("lesson.yaml", "c" * 64),)
    page = read(replace(RESULT, source=replace(RESULT.source, lesson=lesson)))
    assert "lrcli train 'my files/line.yaml' seed=3 --expect lesson.yaml" in page.texts["code"]
    assert page.tables["Files that were read"].column("what it is")[-1] == "expectations"


def test_a_run_that_came_from_no_file_has_a_page():
    assert "Files that were read" not in read(replace(RESULT, source=None)).tables


# Several runs -------------------------------------------------------------------------------------------


def trained(result=RESULT, **changes):
    of = experiment(**changes)
    problem = build_problem(of.dataset, of.model, of.loss, [of.seed])
    ends = {name: np.asarray(values)[None] for name, values in result.parameters.items()}
    start = np.zeros(1, dtype=np.int64)
    return TrainedRun(of, problem, History(start, start, {}), ParameterPath(start, start, ends), result)


def compare(**runs):
    html = page_html(comparison_page(runs, []), datetime.date(2026, 1, 31))
    page = ReadPage(html)
    assert_sound(page)
    return page


def with_loss(value, status="completed", **changes):
    return replace(RESULT, metrics=RESULT.metrics | {"val/loss": value}, status=status, **changes)


def test_what_differs_comes_first():
    other = trained(optimizer={"kind": "adam", "lr": 0.05}, training={"epochs": 5, "batch_size": 16})
    page = compare(a=trained(), b=other)
    assert page.headings[1][1] == "What differs"
    table = page.tables["What differs between the runs"]
    assert table.headings == ["key", "a", "b"]
    found = {row[0]: row[1:] for row in table.rows}
    assert found["optimizer.kind"] == ["sgd", "adam"]
    assert found["training.epochs"] == ["3", "5"]
    assert found["optimizer.betas"] == ["", "[0.9, 0.999]"]
    assert not {"optimizer.lr", "dataset.w", "name"} & set(found)


def test_equal_runs_are_said_to_be_equal():
    page = compare(a=trained(), b=trained())
    assert "Their settings are the same." in page.texts["p"]
    assert "What differs between the runs" not in page.tables
    assert "best" not in "".join(page.tables["The last value of each metric"].column("val/loss"))


def test_an_engine_that_differs_is_told():
    other = trained(replace(RESULT, environment=RESULT.environment | {"engine": "torch"}))
    page = compare(a=trained(), b=other)
    assert page.tables["What differs between the runs"].rows == [["a", "compiled"], ["b", "torch"]]


def test_the_best_is_marked_by_a_word_and_only_where_it_ended_well():
    page = compare(
        a=trained(with_loss(0.5)),
        b=trained(with_loss(0.25)),
        c=trained(with_loss(0.1, "diverged", diverged_step=1)),
        d=trained(with_loss(NAN)),
    )
    table = page.tables["The last value of each metric"]
    assert table.column("val/loss") == ["0.5", "best 0.25", "0.1", "not finite"]
    assert table.numbers("val/loss")[:3] == [0.5, 0.25, 0.1]
    assert all(metric_of(name).is_outcome for name in table.headings[1:])


def test_of_accuracies_the_largest_is_the_best():
    runs = {
        name: trained(replace(RESULT, metrics={"val/accuracy": value}))
        for name, value in (("a", 0.5), ("b", 0.75), ("c", 0.75))
    }
    table = compare(**runs).tables["The last value of each metric"]
    assert table.column("val/accuracy") == ["0.5", "best 0.75", "best 0.75"]


def test_errors_stand_side_by_side():
    other = replace(RESULT, recovery=(RecoveryRow("b", 4.2, 4.0, 0.125), RecoveryRow("c", 1.0, 0.0, 1.0)))
    page = compare(a=trained(), b=trained(other))
    table = page.tables["Errors of the parameters after training"]
    assert table.column("parameter") == ["w[0]", "w[1]", "b", "c"]
    assert table.numbers("a") == [0.5, -0.4, 0.2, None]
    assert table.numbers("b") == [None, None, 0.125, 1.0]


def test_where_each_run_is_and_how_to_repeat_it():
    other = replace(RESULT, run_dir="my runs/b", status="stopped_early", expectations=(), outcome="improving")
    page = compare(a=trained(), b=trained(other))
    ended = page.tables["How each run ended"]
    assert ended.column("directory") == ["runs/line/train-0001", "my runs/b"]
    assert ended.column("status") == ["completed", "stopped early"]
    assert ended.column("outcome") == ["", "improving"]
    assert ended.column("expectations") == ["1 of 2 met", ""]
    commands = page.tables["Commands"].column("command")
    assert [shlex.split(line)[-1] for line in commands] == [
        "runs/line/train-0001/experiment.yaml",
        "my runs/b/experiment.yaml",
    ]


def test_of_many_runs_each_is_a_row_that_can_be_sorted():
    runs = {f"run {i}": trained(seed=10 - i, optimizer={"kind": "sgd", "lr": 0.1 * i}) for i in range(1, 5)}
    table = compare(**runs).tables["What differs between the runs"]
    assert table.headings == ["run", "seed", "optimizer.lr"]
    assert table.column("run") == list(runs)
    assert table.numbers("seed") == [9, 8, 7, 6]
    assert table.numbers("optimizer.lr") == [0.1 * i for i in range(1, 5)]


def test_settings_that_differ_a_little_are_seen_to_differ():
    rates = [0.0312345678, 0.0312345679, 0.03]
    runs = {f"{i}": trained(seed=12_345_678 + i, optimizer={"kind": "sgd", "lr": rates[i]}) for i in range(3)}
    table = compare(**runs).tables["What differs between the runs"]
    assert table.column("seed") == ["12,345,678", "12,345,679", "12,345,680"]
    assert table.column("optimizer.lr") == list(map(str, rates))


def test_of_different_data_none_is_the_best():
    other = trained(with_loss(0.1), loss={"kind": "mse"})
    page = compare(a=trained(), b=other)
    assert page.tables["The last value of each metric"].column("val/loss") == ["0.333333", "0.1"]
    assert "None is marked as the best: their data or their losses differ" in page.text
