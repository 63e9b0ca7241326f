"""A loss, an optimizer, a dataset and a model that lrcli does not have, as their authors would add them.

Each is one class beside those of its family, whose name the family's union takes, and for what is computed
in training one function with a row in the torch engine's table. `grown` writes a copy of lrcli that has them,
`installed` a package that offers them to lrcli through entry points.
"""

import re
import shutil
import textwrap
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "lrcli"

LOG_COSH = '''
class LogCosh(Loss):
    """log(cosh(o - y)), nearly half the square of a small error, and of a large one its size.

    Source: Saleh and Saleh 2022.
    """

    kind: Literal["log_cosh"]
'''

TORCH_LOG_COSH = """
def _log_cosh(_: Any) -> TorchLoss:
    def terms(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        error = outputs - targets
        return error + functional.softplus(-2 * error) - 0.6931471805599453, torch.tanh(error)

    return TorchLoss(terms, _nearest_class)
"""

ADAGRAD = '''
class Adagrad(Optimizer):
    """v = v + g^2; p = p - lr g / (sqrt(v) + eps).

    Source: Duchi, Hazan and Singer 2011; torch.optim.Adagrad.
    """

    numeric = ("lr", "eps")
    adaptive = True

    kind: Literal["adagrad"]
    lr: Rate = Field(1e-2, description="learning rate")
    eps: Decay = Field(1e-10, description="added to the root, against division by zero")
    initial: Decay = Field(0.0, description="what v starts at")

    def coefficients(self, h: Vectors, steps: NDArray[Any], total: int) -> dict[str, Array]:
        return {"lr": self.rates(h, steps, total), "eps": h["eps"][None, :]}

    def state(self, uses: Mapping[str, bool]) -> dict[str, float]:
        return {"square": self.initial}
'''

TORCH_ADAGRAD = """
def _adagrad(*_: Any) -> Update:
    def update(g: Tensor, state: State, p: Tensor, c: Coefficients) -> tuple[Tensor, State]:
        square = state["square"] + g * g
        return p - c["lr"] * g / (square.sqrt() + c["eps"]), {"square": square}

    return update
"""

DECAY = '''
class DecayDataset(GeneratedDataset):
    """y = height exp(-rate x) + noise, x U[0, 3).

    Source: a quantity that is lost in proportion to what is left.
    """

    kind: Literal["decay"]
    rate: float = Field(examples=[1.5], gt=0, description="share that is lost in each unit of x")
    height: float = Field(2.0, description="y at x = 0")
    noise: Spread = Field(0.1, description="standard deviation of the noise in the targets")

    def sample(self, rng: np.random.Generator, count: int) -> tuple[Array, Array]:
        x = rng.uniform(0, 3, (count, 1))
        return x, self.height * np.exp(-self.rate * x) + self.noise * rng.standard_normal((count, 1))

    def true_parameters(self, model: str) -> dict[str, Array] | None:
        rule = {"height": np.array(self.height), "rate": np.array(self.rate)}
        return rule if model == "exponential" else None
'''

EXPONENTIAL = '''
class Exponential(Model):
    """o = height exp(-rate x).

    Source: the solution of a linear differential equation of first order.
    """

    one_feature = True

    kind: Literal["exponential"]

    def parameters(self, num_features: int, num_outputs: int) -> tuple[Parameter, ...]:
        return scalars("height", "rate")
'''

TORCH_EXPONENTIAL = """
def _exponential(parameters: Parameters, x: Tensor) -> Tensor:
    return parameters["height"] * torch.exp(-parameters["rate"] * x)
"""

# From file to each definition that is put into it, before the table that begins so, and the row there; at its
# end, where the table is in another file.
ADDITIONS = {
    "components/losses.py": (LOG_COSH, "AnyLoss = ", "| LogCosh"),
    "components/optimizers.py": (ADAGRAD, "AnyOptimizer = ", "| Adagrad"),
    "components/datasets/synthetic.py": (DECAY, "", ""),
    "components/datasets/__init__.py": (
        "from lrcli.components.datasets.synthetic import DecayDataset",
        "AnyDataset = ",
        "| DecayDataset",
    ),
    "components/models/curves.py": (
        f"from lrcli.components.models.base import Model\n{EXPONENTIAL}",
        "",
        "",
    ),
    "components/models/__init__.py": (
        "from lrcli.components.models.curves import Exponential",
        "AnyModel = ",
        "| Exponential",
    ),
    "engines/torch/losses.py": (TORCH_LOG_COSH, "_LOSSES: ", '"log_cosh": _log_cosh,'),
    "engines/torch/optimizers.py": (TORCH_ADAGRAD, "_OPTIMIZERS: ", '"adagrad": _adagrad,'),
    "engines/torch/models.py": (
        TORCH_EXPONENTIAL,
        "_MODELS: ",
        '"exponential": lambda _: by_autograd(_exponential),',
    ),
}
_LAST_ROW = r"(?=,\s*Field\(discriminator|^\})"  # the row comes before it


def grown(folder: Path) -> Path:
    """A copy of the package with all additions, under the folder."""
    copy = folder / "lrcli"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("*.pyc.*"))
    for name, (definition, table, row) in ADDITIONS.items():
        _add(copy / name, definition, table, row)
    return copy


HEADER = """
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lrcli.components.datasets.base import Array, GeneratedDataset, Spread
from lrcli.components.initializers import Parameter
from lrcli.components.losses import Loss
from lrcli.components.models.base import Model, scalars
from lrcli.components.optimizers import Optimizer, Vectors

Rate = Annotated[float, Field(gt=0)]
Decay = Annotated[float, Field(ge=0)]
"""
FORMS = {  # the first by autograd, as most would write it
    LOG_COSH: """
def torch_form(self):
    from torch.nn.functional import softplus

    def terms(outputs, targets):
        error = outputs - targets
        return error + softplus(-2 * error) - 0.6931471805599453

    return terms
""",
    ADAGRAD: """
def torch_form(self, uses, decayed):
    def update(g, state, p, c):
        square = state["square"] + g * g
        return p - c["lr"] * g / (square.sqrt() + c["eps"]), {"square": square}

    return update
""",
    DECAY: "",
    EXPONENTIAL: """
def torch_form(self):
    import torch

    return lambda parameters, x: parameters["height"] * torch.exp(-parameters["rate"] * x)
""",
}
ENTRIES = {
    "lrcli.datasets": {"decay": "DecayDataset"},
    "lrcli.models": {"exponential": "Exponential"},
    "lrcli.losses": {"log_cosh": "LogCosh"},
    "lrcli.optimizers": {"adagrad": "Adagrad"},
}


def installed(folder: Path) -> Path:
    """A package with all additions, under the folder as pip would put it there."""
    classes = [text + textwrap.indent(form, "    ") for text, form in FORMS.items()]
    return install(folder, "additions", "1.2", HEADER + "\n\n".join(classes), ENTRIES)


def install(folder: Path, name: str, version: str, code: str, entries: dict[str, dict[str, str]]) -> Path:
    """A package of one module under the folder, with entry points from group and name to the class."""
    (folder / f"{name}.py").write_text(code, encoding="utf-8")
    about = folder / f"{name}-{version}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines = [
        line
        for group, offered in entries.items()
        for line in (f"[{group}]", *(f"{entry} = {name}:{target}" for entry, target in offered.items()))
    ]
    (about / "entry_points.txt").write_text("\n".join(lines) + "\n")
    return folder


def _add(file: Path, definition: str, table: str, row: str) -> None:
    text = file.read_text(encoding="utf-8")
    if not table:
        file.write_text(f"{text}\n\n{definition.lstrip()}", encoding="utf-8")
        return
    found = re.search(rf"^{table}.*?{_LAST_ROW}", text, flags=re.MULTILINE | re.DOTALL)
    assert found, f"{file.name} has no table {table}"
    before, after = text[: found.start()], text[found.end() :]
    file.write_text(f"{before}{definition.lstrip()}\n\n{found[0]} {row}\n{after}", encoding="utf-8")
