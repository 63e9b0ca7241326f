"""Which engine trains an experiment: a choice that depends on the experiment alone, never on load or caches.

The compiled engine takes dense models on the CPU, where every component has a compiled form. Where layers
are so wide that multiplying matrices is all there is to do, ``auto`` leaves them to torch and its library
for that.
"""

from lrcli.components.installed import is_foreign
from lrcli.engines.compiled.machine_code import compiler_missing
from lrcli.engines.compiled.registry import refusal
from lrcli.errors import EngineError
from lrcli.experiment.experiment import Experiment
from lrcli.training.engine import Engine
from lrcli.training.population import Population
from lrcli.training.problem import Problem

__all__ = ["build_engine", "engine_of", "maps_members", "multiply_adds", "trains_own_code"]

_WIDE = 60_000  # parameters; 784-32-16-10 has 26,000 and is twice as fast compiled, 784-128-64-10 is not


def multiply_adds(experiment: Experiment) -> int:
    """Those of one step of one member, about: forward, and by weights and by values backward."""
    parameters = sum(parameter.size for parameter in experiment.parameters)
    return 3 * parameters * experiment.training.first_batch(experiment.dataset.sizes["train"])


def trains_own_code(experiment: Experiment) -> bool:
    """Whether steps are taken by code of the user's or of a package's, on one thread."""
    components = (experiment.model, experiment.loss, experiment.optimizer)
    return any(map(is_foreign, components))


def maps_members(experiment: Experiment) -> bool:
    """Whether all members of a population take a step at once: a module of the user's may not let them."""
    model, dataset = experiment.model, experiment.dataset
    if model.code_path is None or model.needs_code:
        return True
    batch = experiment.training.first_batch(dataset.sizes["train"])
    outputs = experiment.loss.num_outputs(dataset.num_classes)
    maps: bool = model.code.maps(batch, dataset.num_features, outputs)
    return maps


def engine_of(experiment: Experiment) -> tuple[str, str]:
    """The engine of an experiment, ``compiled`` or ``torch``, and why; what is installed counts, too."""
    if experiment.engine == "torch":
        return "torch", "asked for"
    if experiment.engine == "compiled":
        return "compiled", "asked for"
    refused = _refusal(experiment)
    if refused is not None:
        return "torch", refused[1]
    size = sum(parameter.size for parameter in experiment.parameters)
    if size > _WIDE:
        return "torch", f"{size:,} parameters: layers wide enough for a library of matrix products"
    missing = compiler_missing()
    return ("torch", missing) if missing else ("compiled", "a dense model on the cpu")


def _refusal(experiment: Experiment) -> tuple[str, str] | None:
    return refusal(experiment.model, experiment.loss, experiment.optimizer, experiment.device)


def build_engine(
    experiment: Experiment, problem: Problem, population: Population, most_alone: int | None = None
) -> Engine:
    """The engine of an experiment, with everything placed in it.

    Args:
        experiment: what the members have in common.
        problem: their data and initial parameters.
        population: the members.
        most_alone: threads of torch for a member that is alone, whose bits may depend on them; None: any.

    Raises:
        DeviceError: the device is not there or cannot hold the dtype.
        EngineError: the engine asked for is not there.
    """
    name, reason = engine_of(experiment)
    if name == "compiled":
        missing = compiler_missing()
        if missing:
            raise EngineError(f"engine: there is no compiled engine, {missing}; engine: torch does without")
        from lrcli.engines.compiled.engine import CompiledEngine

        engine: Engine = CompiledEngine(problem, population, experiment.dtype)
    else:
        from lrcli.engines.torch.engine import TorchEngine  # which takes a second to import

        device = experiment.device
        if device == "auto" and _refusal(experiment) is None:
            device = "cpu"
        engine = TorchEngine(problem, population, device, experiment.dtype, most_alone)
    engine.environment["engine_chosen"] = reason
    return engine
