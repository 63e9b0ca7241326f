"""lrcli: run small supervised-learning experiments whose answer is known.

    import lrcli

    run = lrcli.train("exp.yaml", {"optimizer.lr": 0.1})
    run.metrics["val/loss"], run.recovery, run.figure("fit")

    sweep = lrcli.sweep("exp.yaml", lr="1e-3:1:13", seeds=10)
    sweep.best, pandas.DataFrame(sweep.summary)

    lrcli.load("last"), lrcli.runs("linear*"), print(lrcli.compare(run, "linear/train-0001"))
    lrcli.explain("last"), lrcli.explain("exp.yaml"), lrcli.explain("coverage")

What is behind a name is imported when the name is used, so that the import itself takes no time.
"""

TYPE_CHECKING = False  # which those who check types take for true; typing takes milliseconds to import
if TYPE_CHECKING:
    from lrcli.api.calls import compare as compare
    from lrcli.api.calls import delete as delete
    from lrcli.api.calls import explain as explain
    from lrcli.api.calls import load as load
    from lrcli.api.calls import merge as merge
    from lrcli.api.calls import replay as replay
    from lrcli.api.calls import resume as resume
    from lrcli.api.calls import runs as runs
    from lrcli.api.calls import sweep as sweep
    from lrcli.api.calls import train as train
    from lrcli.api.rates import lr_find as lr_find
    from lrcli.api.run_object import Run as Run
    from lrcli.api.sweep_object import Sweep as Sweep
    from lrcli.errors import DeviceError as DeviceError
    from lrcli.errors import EngineError as EngineError
    from lrcli.errors import ExperimentError as ExperimentError
    from lrcli.errors import LrcliError as LrcliError
    from lrcli.errors import RunDirectoryError as RunDirectoryError
    from lrcli.errors import RunError as RunError
    from lrcli.errors import UsageError as UsageError
    from lrcli.errors import WriteError as WriteError

__version__ = "0.1.0"

_PLACES = {
    "train": "lrcli.api.calls",
    "sweep": "lrcli.api.calls",
    "resume": "lrcli.api.calls",
    "merge": "lrcli.api.calls",
    "lr_find": "lrcli.api.rates",
    "replay": "lrcli.api.calls",
    "load": "lrcli.api.calls",
    "compare": "lrcli.api.calls",
    "explain": "lrcli.api.calls",
    "runs": "lrcli.api.calls",
    "delete": "lrcli.api.calls",
    "Run": "lrcli.api.run_object",
    "Sweep": "lrcli.api.sweep_object",
    "LrcliError": "lrcli.errors",
    "UsageError": "lrcli.errors",
    "ExperimentError": "lrcli.errors",
    "DeviceError": "lrcli.errors",
    "EngineError": "lrcli.errors",
    "RunDirectoryError": "lrcli.errors",
    "RunError": "lrcli.errors",
    "WriteError": "lrcli.errors",
}

__all__ = ["__version__", *_PLACES]


if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in _PLACES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        found = getattr(import_module(_PLACES[name]), name)
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return sorted([*globals(), *_PLACES])
