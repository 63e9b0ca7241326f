"""Opening an experiment: the Python files that it names are run, and its components have their code.

Nothing else runs code of the user's. What can be known only then is checked here, before anything is written.
"""

from typing import Any

from lrcli.components.user_code import FromFile, waits_for_code
from lrcli.errors import CodeError
from lrcli.experiment.compatibility import incompatibilities
from lrcli.experiment.experiment import Experiment

__all__ = ["code_digests", "code_facts", "opened"]

_BLOCKS = ("dataset", "model", "loss", "optimizer")


def opened(experiment: Experiment) -> Experiment:
    """The experiment with the code of its components; itself where it names none that has not been run.

    Raises:
        CodeError: a file cannot be run, or what it defines does not fit the experiment.
    """
    components = {block: getattr(experiment, block) for block in _BLOCKS}
    waiting = {block: each for block, each in components.items() if waits_for_code(each)}
    if not waiting:
        return experiment
    whole = experiment.model_copy(update={block: _with_code(each) for block, each in waiting.items()})
    for mistake in incompatibilities(whole):
        raise CodeError(f"{'.'.join(map(str, mistake.path))}: {mistake.message}")
    return whole


def _with_code(component: FromFile) -> FromFile:
    from lrcli.engines.torch.module_code import ModuleCode  # which takes a second to import

    return component.with_code(ModuleCode(component))  # type: ignore[arg-type]


def code_facts(experiment: Experiment) -> dict[str, Any]:
    """For the environment of a result: ``code``, where there is any, as `code_digests` has it."""
    digests = code_digests(experiment)
    return {"code": digests} if digests else {}


def code_digests(experiment: Experiment) -> dict[str, str]:
    """From each file of code that has been run, those beside it included, to the SHA-256 of its content."""
    digests: dict[str, str] = {}
    for block in _BLOCKS:
        component = getattr(experiment, block)
        if isinstance(component, FromFile) and not component.needs_code:
            digests |= component.code.code.file.digests
    return digests
