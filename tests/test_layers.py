"""The layers of the package: imports go down only, and heavy packages stay where they belong."""

import ast
import subprocess
import sys
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "lrcli"
ENGINES = PACKAGE / "engines"
KERNELS = "lrcli.engines.compiled.kernels"

# From the top; the packages of one row may not import each other.
LAYERS = [
    {"cli"},
    {"api"},
    {"reporting"},
    {"explaining"},
    {"cluster"},
    {"sweeps"},
    {"running", "authoring"},
    {"experiment"},
    {"engines"},
    {"training", "analysis", "storage"},
    {"components"},
    {"config"},
    {"errors"},
    {"wording"},
]
FACES = {"__main__", "__init__"}  # of the package: what they name is imported when it is used
ONLY_IN = {
    "typer": {"cli"},
    "rich": {"reporting"},
    "tensorboard": {"reporting"},
    "matplotlib": {"reporting"},
    "jinja2": {"reporting"},
    "markdown_it": {"authoring"},
    "yaml": {"config", "storage"},
    "torch": {"engines"},
    "numba": {"engines"},
    "polars": {"components", "storage"},
    "scipy": {"analysis"},
    "llvmlite": {"engines"},
    "filelock": {"storage"},
    "dask": {"cluster"},
    "distributed": {"cluster"},
    "cloudpickle": {"cluster"},
}


def modules():
    return sorted(PACKAGE.rglob("*.py"))


def part(path):
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


@cache
def imports(path):
    """Every import statement of a file, wherever in the file."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]


def imported(path):
    """Every module that a file imports."""
    for node in imports(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        else:
            assert node.level == 0, f"{path}: a relative import"
            yield node.module


def level(name):
    return next(i for i, layer in enumerate(LAYERS) if name in layer)


def test_every_part_has_a_layer():
    known = {name for layer in LAYERS for name in layer} | FACES
    assert {part(path) for path in modules()} == known


def misplaced(path):
    """What a file imports that its part of the package may not."""
    here = part(path)
    if here in FACES:
        return
    for name in imported(path):
        top, *rest = name.split(".")
        if top == "lrcli" and rest and rest[0] != here and level(rest[0]) <= level(here):
            yield f"{path}: {name} is not below {here}"
        if here not in ONLY_IN.get(top, {here}):
            yield f"{path}: {top} has no place in {here}"


def test_imports_go_down_only():
    assert [wrong for path in modules() for wrong in misplaced(path)] == []


def test_torch_is_imported_by_torch_modules_alone():
    found = {path.parent for path in modules() if any(n.split(".")[0] == "torch" for n in imported(path))}
    assert found == {ENGINES / "torch"}


def test_numba_is_imported_by_kernels_alone():
    """And those by one another alone, with what needs no Numba: names, signatures, the processor."""
    light = {
        f"lrcli.engines.compiled.{name}" for name in ("machine_code", "records", "registry", "signatures")
    }
    kernels = ENGINES / "compiled" / "kernels"
    found = {(path, name) for path in modules() for name in imported(path)}
    inside = {name for path, name in found if path.parent == kernels and name.startswith("lrcli.")}
    assert {name for name in inside if not name.startswith(KERNELS)} <= light
    outside = {(path, name) for path, name in found if path.parent != kernels}
    assert {
        path for path, name in outside if name.split(".")[0] == "numba" or name.startswith(KERNELS)
    } == set()
    users = {path.name for path, name in outside if name.split(".")[0] == "llvmlite"}
    assert users == {"machine_code.py"}


def graph(node_of):
    """From each node of the package to those that it imports, other than itself."""
    known = {".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path for path in modules()}
    edges = {}
    for name, path in known.items():
        for node in imports(path):
            if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "lrcli":
                members = [f"{node.module}.{alias.name}" for alias in node.names]
                for there in (member if member in known else node.module for member in members):
                    edges.setdefault(node_of(name), set()).add(node_of(there))
    return {here: there - {here} for here, there in edges.items()}


def folder(name):
    """The folder of a module; what lies at the top of the package is a folder of its own."""
    return name if name.count(".") < 2 else name.rpartition(".")[0]


@pytest.mark.parametrize("node_of", [str, folder], ids=["files", "folders"])
def test_there_is_no_circle(node_of):
    edges = graph(node_of)
    assert len(edges) > 10
    list(TopologicalSorter(edges).static_order())  # raises CycleError, and names the circle


def test_the_engines_know_nothing_of_each_other():
    for here, there in (("torch", "compiled"), ("compiled", "torch")):
        for path in (ENGINES / here).rglob("*.py"):
            assert not [name for name in imported(path) if name.startswith(f"lrcli.engines.{there}")]


def loaded_by(code):
    """The top-level modules that a fresh interpreter has loaded after some code."""
    program = f"import sys\n{code}\nprint(*{{name.split('.')[0] for name in sys.modules}}, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_help_imports_nothing_heavy():
    code = "from lrcli.cli.app import app\napp(['--help'], standalone_mode=False)"
    assert loaded_by(code).isdisjoint({"torch", "tensorboard", "pydantic", "numpy", "yaml"})


def test_checking_a_file_needs_no_torch():
    file = PACKAGE.parent / "experiments" / "linear.yaml"
    code = f"from pathlib import Path\nfrom lrcli.experiment.loading import load\nload(Path({str(file)!r}))"
    assert loaded_by(code).isdisjoint({"torch", "tensorboard", "rich", "polars"})


def test_polars_is_imported_where_tables_are_read_or_exported_and_nowhere_else():
    found = {path.name for path in modules() if any(n.split(".")[0] == "polars" for n in imported(path))}
    assert found == {"parquet.py", "table_csv.py", "table_parquet.py"}


@pytest.mark.parametrize(
    ("command", "more"),
    [("train", []), ("sweep", ["--lr", "0.01,0.1", "logging.figures=false"])],
    ids=["train", "sweep"],
)
def test_the_compiled_engine_needs_neither_torch_nor_numba(tmp_path, program, command, more):
    """Once its machine code is on the disk; the first of the two runs may have to make it."""
    pytest.importorskip("llvmlite")
    line = [
        command,
        str(PACKAGE.parent / "experiments" / "linear.yaml"),
        *more,
        "engine=compiled",
        "--run-dir",
    ]
    program(*line, tmp_path / "first", "logging.figures=false")
    line.append(str(tmp_path / "second"))
    loaded = loaded_by(f"from lrcli.cli.app import app\napp({line!r}, standalone_mode=False)")
    assert (tmp_path / "second" / "result.json").exists()
    assert loaded.isdisjoint({"torch", "numba", "polars", "dask", "distributed"})


@pytest.mark.parametrize("name", ["linear", "xor_mlp", "sine_polynomial"])
def test_explaining_a_file_needs_neither_torch_nor_scipy(name):
    line = ["explain", str(PACKAGE.parent / "experiments" / f"{name}.yaml")]
    loaded = loaded_by(f"from lrcli.cli.app import app\napp({line!r}, standalone_mode=False)")
    assert "numpy" in loaded
    assert loaded.isdisjoint({"torch", "numba", "scipy", "matplotlib", "polars"})


@pytest.mark.parametrize(
    "words", [["runs"], ["runs", "--json", "--sort", "lr"], ["delete", "--yes", "a"]], ids=" ".join
)
def test_listing_and_deleting_runs_need_nothing_heavy(tmp_path, words):
    for name in ("a", "b"):
        (tmp_path / name / "train-0001").mkdir(parents=True)
        result = '{"schema": 1, "command": "train", "status": "completed", "metrics": {"lr": 1}}'
        (tmp_path / name / "train-0001" / "result.json").write_text(result)
    line = [*words, "--runs-dir", str(tmp_path)]
    loaded = loaded_by(f"from lrcli.cli.app import app\napp({line!r}, standalone_mode=False)")
    assert loaded.isdisjoint({"torch", "numba", "numpy", "scipy", "matplotlib", "polars", "yaml"})


def test_training_needs_no_dynamo():
    """torch.optim would import it, which takes longer than all the rest."""
    code = "import lrcli.engines.torch.engine\nimport sys\nassert 'torch._dynamo' not in sys.modules"
    loaded_by(code)


def test_dask_is_imported_where_a_cluster_is_opened():
    assert loaded_by("import lrcli.cluster.opening").isdisjoint({"dask", "distributed", "cloudpickle"})


def test_the_application_layer_is_light():
    heavy = {
        "torch",
        "numba",
        "rich",
        "tensorboard",
        "matplotlib",
        "numpy",
        "pydantic",
        "yaml",
        "distributed",
    }
    assert loaded_by("import lrcli.api").isdisjoint(heavy)
