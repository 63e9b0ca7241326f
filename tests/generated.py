"""Contents of experiment files, sound and broken, drawn from the classes that validate them."""

import copy
import re
import types
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from hypothesis import strategies as st

from lrcli.components.registry import GROUPS
from lrcli.config.base import Config
from lrcli.config.blocks import GridSpec, Sweep
from lrcli.config.document import Document, SourceLocation
from lrcli.config.validation import validate
from lrcli.errors import ExperimentError
from lrcli.experiment.compatibility import incompatibilities
from lrcli.experiment.experiment import Experiment

WIDEST = 1e6  # keeps drawn numbers readable
WORDS = st.text("abxyz019_-./:#'\"{}[]&*!%@`,? é\n\t\\", max_size=8)
NUMBERS = st.integers(-3, 99) | st.floats(-WIDEST, WIDEST, allow_subnormal=False)
SCALARS = st.none() | st.booleans() | NUMBERS | WORDS
PLAIN = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=5,
)
BOUNDARIES = [-1, -0.5, 0, 0.0, 0.5, 1, 1.0, 1.5, 2, 3.0, 51, 1e3, 10**12, 1e12, 10**12 + 1, 10**20]
TEXTS = [
    "",
    " ",
    "1",
    "1e-3",
    "full",
    "auto",
    "cuda:1",
    "adam",
    "linear",
    "a/b",
    "< 1",
    "<1e",
    "mean\n",
    "0",
    "01",
]
JUNK = (
    st.sampled_from([None, True, False, [], {}, [[]], [{}], {"kind": "linear"}, *BOUNDARIES, *TEXTS]) | PLAIN
)

_BOUNDS = ("gt", "ge", "lt", "le", "min_length", "max_length")
_KIND_CLASSES = [config for kinds in GROUPS.values() for config in kinds.values()]


def config_classes() -> list[type[Config]]:
    """Every class that describes a mapping of an experiment file."""
    found: list[type[Config]] = []
    waiting: list[Any] = [Experiment]
    while waiting:
        annotation = waiting.pop()
        waiting += get_args(annotation)
        if isinstance(annotation, type) and issubclass(annotation, Config) and annotation not in found:
            found.append(annotation)
            waiting += [field.annotation for field in annotation.model_fields.values()]
    assert not set(_KIND_CLASSES) - set(found)
    return found


def contents(special: dict[str, Any] | None = None) -> st.SearchStrategy[dict[str, Any]]:
    """What a file may hold, each key valid by itself.

    Args:
        special: from the name of a key to what to draw for it, wherever it stands; or from that of its class
            and its own, ``PythonDataset.features``.
    """
    return _mapping(Experiment, special or {})


def _mapping(config: type[Config], special: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    if config is GridSpec:
        return GRID_SPECS
    required, optional = {}, {}
    for name, field in config.model_fields.items():
        if f"{config.__name__}.{name}" in special:
            value = special[f"{config.__name__}.{name}"]
        elif name in special:
            value = special[name]
        elif (config, name) == (Sweep, "grid"):
            value = _grids()
        else:
            value = _values(field.annotation, [*field.metadata, field], special)
        needed = field.is_required() and (config, name) != (Experiment, "name")
        (required if needed else optional)[name] = value
    return st.fixed_dictionaries(required, optional=optional)


def _values(  # noqa: C901 - a case for each kind of annotation
    annotation: Any, metadata: list[Any], special: dict[str, Any]
) -> st.SearchStrategy[Any]:
    """What a key with this annotation may be."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    limits, extra = _limits(metadata), _extra(metadata)
    if origin is Annotated:
        return _values(arguments[0], list(arguments[1:]), special)
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in {Union, types.UnionType}:
        return st.one_of([_values(arm, metadata, special) for arm in arguments])
    if origin is list:
        least = limits.get("min_length", extra.get("minItems", 0))
        most = limits.get("max_length", extra.get("maxItems", least + 2))
        unique = extra.get("uniqueItems", False)
        return st.lists(_values(arguments[0], [], special), min_size=least, max_size=most, unique=unique)
    if origin is dict:
        pattern = extra.get("propertyNames", {}).get("pattern")
        keys = _matching(pattern) if pattern else WORDS
        return st.dictionaries(keys, _values(arguments[1], [], special), max_size=2)
    if annotation is str:
        return _matching(extra["pattern"]) if "pattern" in extra else _words(limits)
    if annotation is bool:
        return st.booleans()
    if annotation is int:
        low, high = limits.get("ge", -99), limits.get("le", 10**6)
        whole = st.integers(low, min(high, low + 99)) | st.just(high)
        return whole | whole.map(float)
    if annotation is float:
        return _numbers(limits)
    if annotation in {Any, object}:
        return PLAIN
    if annotation is type(None):
        return st.none()
    assert issubclass(annotation, Config), annotation
    return _mapping(annotation, special)


def _words(limits: dict[str, Any]) -> st.SearchStrategy[str]:
    return WORDS.filter(lambda word: len(word) >= limits.get("min_length", 0))


def _limits(metadata: list[Any]) -> dict[str, Any]:
    """Bounds by name; those of ``Annotated[int, Field(ge=0)]`` are in the metadata of its Field."""
    parts = [*metadata, *(part for field in metadata for part in getattr(field, "metadata", ()))]
    return {name: getattr(p, name) for p in parts for name in _BOUNDS if getattr(p, name, None) is not None}


def _extra(metadata: list[Any]) -> dict[str, Any]:
    """What a Field adds to the schema."""
    extra: dict[str, Any] = {}
    for part in metadata:
        given = getattr(part, "json_schema_extra", None)
        extra |= given if isinstance(given, dict) else {}
    return extra


def _numbers(limits: dict[str, Any]) -> st.SearchStrategy[float]:
    low, high = limits.get("gt", limits.get("ge", -WIDEST)), limits.get("lt", limits.get("le", WIDEST))
    # torch flushes denormals in the whole process, so open ends are kept a normal number away.
    floats = st.floats(
        low + 1e-6 * ("gt" in limits), high - 1e-6 * ("lt" in limits), allow_nan=False, allow_subnormal=False
    )
    first, last = int(low) + ("gt" in limits), min(int(high) - ("lt" in limits), int(low) + 50)
    return floats | st.integers(first, last) if first <= last else floats


def _matching(pattern: str) -> st.SearchStrategy[str]:
    """Texts that match a pattern of the schema, which ends ``$(?!\\n)``."""
    return st.from_regex(re.compile(pattern.replace("$(?!\n)", r"\Z"), re.ASCII))


@st.composite
def _ranges(draw: st.DrawFn) -> dict[str, Any]:
    """Mostly in order; what only several numbers together can tell may be wrong."""
    form = draw(st.sampled_from(["range", "log_range"]))
    low, high = draw(NUMBERS), draw(NUMBERS)
    if draw(st.integers(0, 5)):
        low, high = sorted([abs(low) + 1, abs(low) + abs(high) + 2])
    return {form: [low, high, draw(st.sampled_from([2, 3, 5.0, 4, 2, 3, 1, 2.5, 10_000, 10_001]))]}


GRID_SPECS = (
    st.lists(PLAIN, min_size=1, max_size=3).map(lambda values: {"values": values})
    | _ranges()
    | st.tuples(_ranges(), st.sampled_from(["values"])).map(lambda pair: pair[0] | {pair[1]: None})
)


def _grids() -> st.SearchStrategy[Any]:
    keys = st.sampled_from(["optimizer.lr", "seed", "optimizer.kind", "training.epochs"]) | WORDS
    one = st.dictionaries(keys, GRID_SPECS, min_size=1, max_size=2)
    return one | st.lists(one | st.just({}), min_size=1, max_size=2)


_NAMES = [name for config in config_classes() for name in config.model_fields]
_KINDS = [kind for group in GROUPS.values() for kind in group]


_CONTENTS = contents()


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """The content of a file with one or a few things changed, mostly for the worse."""
    content = draw(_CONTENTS)
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 3]))):
        _change(draw, content)
    return content


def _change(draw: st.DrawFn, content: dict[str, Any]) -> None:
    parent, key = draw(st.sampled_from(list(_places(content))))
    change = draw(st.sampled_from(["replace", "replace", "number", "drop", "add", "kind", "nest"]))
    if change == "replace":
        parent[key] = copy.deepcopy(draw(JUNK))
    elif change == "number":
        parent[key] = draw(st.sampled_from(BOUNDARIES))
    elif change == "drop":
        del parent[key]
    elif change == "add" and isinstance(parent, dict):
        parent[draw(st.sampled_from(_NAMES) | WORDS)] = copy.deepcopy(draw(JUNK))
    elif change == "add":
        parent.insert(key, copy.deepcopy(draw(JUNK)))
    elif change == "kind" and isinstance(parent, dict):
        parent["kind"] = draw(st.sampled_from(_KINDS) | JUNK)
    else:
        parent[key] = draw(st.sampled_from([[parent[key]], {"kind": parent[key]}, {key: parent[key]}]))
    if not content:
        content["seed"] = 0


def _places(container: Any) -> Any:
    """Each mapping or list with each key of it."""
    for key, value in list(container.items() if isinstance(container, dict) else enumerate(container)):
        yield container, key
        if isinstance(value, dict | list):
            yield from _places(value)


_METRICS = ["train/running_loss", "grad_norm", "lr"]
_SMALL = st.floats(0.125, 4, width=16)
_SWEPT = {
    "optimizer.lr": {"values": [0.1, 1, 1e-3]},
    "training.epochs": {"range": [2, 4, 3]},
    "training.clip_grad_norm": {"log_range": [1e-4, 0.1, 4]},  # each key is one of every experiment
    "loss.reduction": {"values": ["mean", "sum"]},
    "dataset.seed": {"values": [1, None]},
    "training.batch_size": {"values": ["full", 4]},
    "optimizer": {"values": [{"kind": "adam", "lr": 0.1}]},
}
_TABLE = Path(__file__).parent / "table.csv"
_INITIALIZERS = [config for kind, config in GROUPS["init"].items() if kind != "values"]
_FITTING: dict[str, Any] = {
    "low": _SMALL.map(lambda x: -x),
    "high": _SMALL,
    "w": st.lists(_SMALL, min_size=1, max_size=2),
    "path": st.just(str(_TABLE)),
    "val_path": st.none() | st.just(str(_TABLE)),
    "test_path": st.none(),
    "target": st.just("y"),
    "features": st.none() | st.just(["a", "b"]) | st.just(["a"]),
    "PythonDataset.features": st.integers(1, 3),
    "split": st.none(),
    "separator": st.just(","),
    "outliers": st.dictionaries(st.sampled_from("0123"), st.sampled_from([0, 1, 1.0]), max_size=2),
    "dimension": st.just(2),
    "spectrum": st.sampled_from(["geometric", "linear", "two_level"]),
    "num_train": st.integers(4, 99) | st.just(1e3),
    "feature_std": _SMALL,
    "init": st.one_of([_mapping(config, {"low": st.just(-1), "high": _SMALL}) for config in _INITIALIZERS]),
    "metric": st.sampled_from(_METRICS),
    "expect": st.dictionaries(st.sampled_from(_METRICS), st.sampled_from(["< 1", " >= -.5e3 "]), max_size=2),
    "device": st.sampled_from(["auto", "cpu", "cuda:1"]),
    "truth": st.sampled_from([{}, {"weight": [[1, 2.5]], "0.bias": [0.5]}]),
    "momentum": _SMALL,
    "dampening": st.just(0),
    "grid": st.lists(st.sampled_from(list(_SWEPT)), min_size=1, max_size=2, unique=True)
    .filter(lambda keys: not any(key.startswith(f"{other}.") for key in keys for other in keys))
    .map(lambda keys: {key: copy.deepcopy(_SWEPT[key]) for key in keys}),
}


def _fits(content: dict[str, Any]) -> bool:
    try:
        return not incompatibilities(checked(content))
    except ExperimentError:
        return True  # a bug, which the test that draws it shows


@cache
def sound() -> st.SearchStrategy[dict[str, Any]]:
    """What a file may hold whose parts fit together, so that it loads."""
    return contents(_FITTING).filter(_fits)


def checked(content: Any) -> Experiment:
    """A file's content, validated as the loader does it."""
    named = {"name": "experiment", **content} if isinstance(content, dict) else content
    return validate(Document(named, {}, {(): SourceLocation("file", 1, 1, "")}), Experiment)


KeyAndValue = tuple[tuple[str, ...], Any]


def keys_of(content: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[KeyAndValue]:
    """The path and the value of each key that a dotted name leads to, blocks among them."""
    for key, value in content.items():
        if key and "." not in key:
            yield (*path, key), value
            if isinstance(value, dict):
                yield from keys_of(value, (*path, key))


def apart(changes: list[KeyAndValue]) -> bool:
    """Whether no key is there twice or beside a block that holds it, so that changes have no order."""
    paths = [path for path, _ in changes]
    return not any(
        one == other[: len(one)] for i, one in enumerate(paths) for other in paths[:i] + paths[i + 1 :]
    )


def changes(content: dict[str, Any]) -> st.SearchStrategy[list[KeyAndValue]]:
    """One to three keys with their values in another content, as overrides may say them."""
    keys = st.sampled_from(list(keys_of(content)))
    return st.lists(keys, min_size=1, max_size=3).filter(apart)


@st.composite
def split(draw: st.DrawFn, content: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A base and a child that extends it, which together say a content."""
    base, child = _split(draw, copy.deepcopy(content), ())
    for key in draw(
        st.sets(st.sampled_from(["seed", "training", "sweep", "expect", "description", "dtype"]))
    ):
        if key not in content:
            base[key], child[key] = draw(JUNK), None
    return base, child


def _split(draw: st.DrawFn, content: dict[str, Any], path: tuple[str, ...]) -> tuple[dict[str, Any], ...]:
    base: dict[str, Any] = {}
    child: dict[str, Any] = {}
    for key, value in content.items():
        ways = ["base", "child"]
        if isinstance(value, dict) and value and (*path[:2], key)[:2] == ("sweep", "grid") and len(path) == 2:
            ways += ["replace"]
        elif isinstance(value, dict) and value:
            ways += ["both", "both", "both"] + ["kind"] * ("kind" in value)
        elif key != "kind" and value not in (None, {}):  # another kind would replace what the base says
            ways += ["replace"]
        way = draw(st.sampled_from(ways))
        if way == "both":
            base[key], child[key] = _split(draw, value, (*path, key))
            continue
        if way != "base":
            child[key] = value
        if way == "base":
            base[key] = value
        elif way == "kind":
            base[key] = {"kind": f"not {value['kind']}", "lr": 3, "w": {"x": 1}}
        elif way == "replace":
            base[key] = draw(st.sampled_from([7, "text", None, [1, [2]], {"values": [9], "lr": 1}]))
    return base, child
