"""Opening an experiment: the Python files that it names are run, and its components have their code.

Nothing else runs code of the user's. What can be known only then is checked here, before anything is written.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lrcli.components.datasets.python import DatasetCode
from lrcli.errors import ExperimentError
from lrcli.experiment.compatibility import incompatibilities
from lrcli.experiment.experiment import Experiment

__all__ = ["changed_code", "code_digests", "code_facts", "missing_code", "opened", "with_its_code"]


def opened(experiment: Experiment) -> Experiment:
    """The experiment with the code of its components; itself where it names none that has not been run.

    Raises:
        CodeError: a file cannot be run, or what it defines is no such component.
        ExperimentError: it does not fit the rest of the experiment.
    """
    if not experiment.needs_code:
        return experiment
    with_code = {
        block: with_its_code(block, each) for block, each in experiment.components.items() if each.needs_code
    }
    whole = experiment.model_copy(update=with_code)
    mistakes = [f"{'.'.join(map(str, each.path))}: {each.message}" for each in incompatibilities(whole)]
    if mistakes:
        raise ExperimentError(mistakes)
    return whole


def with_its_code(group: str, component: Any) -> Any:
    """A component that needs code together with what its file makes of it.

    Args:
        group: that it belongs to, such as ``model``.
        component: it.

    Raises:
        CodeError: the file cannot be run, or what it defines is no such component.
    """
    return component.with_code(_MAKERS[group](component))


def _model(component: Any) -> Any:
    from lrcli.engines.torch.module_code import ModuleCode

    return ModuleCode(component)


def _loss(component: Any) -> Any:
    from lrcli.engines.torch.loss_code import LossCode

    return LossCode(component)


def _optimizer(component: Any) -> Any:
    from lrcli.engines.torch.optimizer_code import OptimizerCode

    return OptimizerCode(component)


_MAKERS: dict[str, Callable[[Any], Any]] = {  # those that need torch import it when they are called
    "dataset": DatasetCode,
    "model": _model,
    "loss": _loss,
    "optimizer": _optimizer,
}


def missing_code(experiment: Experiment) -> dict[str, str]:
    """The files of code that are not there, by the keys that name them; nothing is run."""
    named = {f"{block}.path": each.code_path for block, each in experiment.components.items()}
    return {key: path for key, path in named.items() if path is not None and not Path(path).is_file()}


def code_facts(experiment: Experiment) -> dict[str, Any]:
    """For the environment of a result: ``code``, where there is any, as `code_digests` has it."""
    digests = code_digests(experiment)
    return {"code": digests} if digests else {}


def changed_code(before: Mapping[str, str], experiment: Experiment) -> list[str]:
    """The files of code that differ from what they were, those that were not there or are gone among them.

    Args:
        before: as `code_digests` had it.
        experiment: whose code has been run.
    """
    now = code_digests(experiment)
    return [file for file in {**before, **now} if before.get(file) != now.get(file)]


def code_digests(experiment: Experiment) -> dict[str, str]:
    """From each file of code that has been run, those beside it included, to the SHA-256 of its content."""
    digests: dict[str, str] = {}
    for component in experiment.components.values():
        if component.code_path is not None and not component.needs_code:
            digests |= component.code.code.file.digests
    return digests
