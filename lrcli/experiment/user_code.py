"""Opening an experiment: the Python files that it names are run, and its components have their code.

Nothing else runs code of the user's. What can be known only then is checked here, before anything is written.
"""

from pathlib import Path
from typing import Any

from lrcli.components.datasets.python import DatasetCode, PythonDataset
from lrcli.components.losses import PythonLoss
from lrcli.components.models import Module
from lrcli.components.optimizers import PythonOptimizer
from lrcli.components.user_code import FromFile
from lrcli.errors import ExperimentError
from lrcli.experiment.compatibility import incompatibilities
from lrcli.experiment.experiment import Experiment

__all__ = ["code_digests", "code_facts", "code_of", "missing_code", "opened"]


def opened(experiment: Experiment) -> Experiment:
    """The experiment with the code of its components; itself where it names none that has not been run.

    Raises:
        CodeError: a file cannot be run, or what it defines is no such component.
        ExperimentError: it does not fit the rest of the experiment.
    """
    if not experiment.needs_code:
        return experiment
    with_code = {
        block: each.with_code(code_of(each))
        for block, each in experiment.components.items()
        if isinstance(each, FromFile) and each.needs_code
    }
    whole = experiment.model_copy(update=with_code)
    mistakes = [f"{'.'.join(map(str, each.path))}: {each.message}" for each in incompatibilities(whole)]
    if mistakes:
        raise ExperimentError(mistakes)
    return whole


def code_of(component: FromFile) -> Any:
    """What its file makes of a component; where that is a matter of torch, it is imported now."""
    if isinstance(component, PythonDataset):
        return DatasetCode(component)
    if isinstance(component, Module):
        from lrcli.engines.torch.module_code import ModuleCode

        return ModuleCode(component)
    if isinstance(component, PythonLoss):
        from lrcli.engines.torch.loss_code import LossCode

        return LossCode(component)
    if isinstance(component, PythonOptimizer):
        from lrcli.engines.torch.optimizer_code import OptimizerCode

        return OptimizerCode(component)
    raise TypeError(f"{type(component).__name__} has no code")


def missing_code(experiment: Experiment) -> dict[str, str]:
    """The files of code that are not there, by the keys that name them; nothing is run."""
    components = experiment.components.items()
    named = {f"{block}.path": each.path for block, each in components if isinstance(each, FromFile)}
    return {key: path for key, path in named.items() if not Path(path).is_file()}


def code_facts(experiment: Experiment) -> dict[str, Any]:
    """For the environment of a result: ``code``, where there is any, as `code_digests` has it."""
    digests = code_digests(experiment)
    return {"code": digests} if digests else {}


def code_digests(experiment: Experiment) -> dict[str, str]:
    """From each file of code that has been run, those beside it included, to the SHA-256 of its content."""
    digests: dict[str, str] = {}
    for component in experiment.components.values():
        if isinstance(component, FromFile) and not component.needs_code:
            digests |= component.code.code.file.digests
    return digests
