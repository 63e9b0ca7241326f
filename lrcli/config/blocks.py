"""The blocks of an experiment file that choose no component: training, logging, sweep."""

import json
import math
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, field_serializer, field_validator, model_validator
from pydantic.config import JsonDict

from lrcli.config.base import Config
from lrcli.config.metrics import Direction, direction_of

__all__ = ["Best", "EarlyStopping", "GridSpec", "Logging", "Select", "Sweep", "Training"]

_MOST_POINTS = 10_000
_LARGEST_COUNT = 2**53
_DIGITS = 14  # of the values between the ends of a range


class Best(Config):
    """Which state of the run is kept as the best one."""

    metric: str = Field(description="the recorded metric that decides", examples=["val/loss"])
    mode: Literal["min", "max"] | None = Field(
        None, description="whether small or large is good; default: max for an accuracy, else min"
    )

    @property
    def direction(self) -> Direction:
        """The mode, or that of the metric."""
        return self.mode or direction_of(self.metric)


class EarlyStopping(Best):
    """Stop a member when a metric has stopped improving."""

    patience: int = Field(10, ge=1, description="records without improvement before stopping")
    min_delta: float = Field(0.0, ge=0, description="smallest change that counts as improvement")


class Training(Config):
    """How long and in what portions to train."""

    epochs: int = Field(10, ge=1, le=10**12, description="passes over the training set")
    batch_size: Annotated[int, Field(ge=1, le=10**12)] | Literal["full"] = Field(
        32, description="examples for each step, or full: all of them, in their order"
    )
    shuffle: bool = Field(True, description="a new order of the examples in every epoch")
    drop_last: bool = Field(False, description="leave out the last batch of an epoch when it is smaller")
    clip_grad_norm: float | None = Field(
        None, gt=0, description="scale a member's gradient down to this norm when it is longer"
    )
    early_stopping: EarlyStopping | None = Field(
        None, description="stop a run when a metric has stopped improving"
    )
    best: Best | None = Field(
        None,
        description="which state is kept as the best and tested, too; default: the smallest val/loss, or "
        "train/loss, not tested",
    )

    def num_batches(self, num_train: int) -> int:
        """The steps of an epoch over `num_train` examples."""
        size = self.first_batch(num_train)
        return num_train // size if self.drop_last else -(-num_train // size)

    def first_batch(self, num_train: int) -> int:
        """The size of every batch but perhaps the last."""
        return num_train if self.batch_size == "full" else min(self.batch_size, num_train)

    def batch_sizes(self, num_train: int) -> list[int]:
        """The size of each batch of an epoch over `num_train` examples; the last may be smaller."""
        size = self.batch_size
        if size == "full" or size >= num_train:
            return [num_train]
        whole, rest = divmod(num_train, size)
        return [size] * whole + ([rest] if rest and not self.drop_last else [])

    def num_seen(self, num_train: int) -> int:
        """How many of the examples are ever trained on: without shuffling a rest that is dropped is not."""
        return num_train if self.shuffle else sum(self.batch_sizes(num_train))


class Logging(Config):
    """What is recorded, and how often."""

    every: int = Field(1, ge=1, description="epochs between two records; the last epoch is always one")
    tensorboard: bool = Field(True, description="write event files for TensorBoard")
    figures: bool = Field(True, description="draw figures when training has ended")
    figures_every: int | None = Field(
        None,
        ge=1,
        description="epochs after which those of a run are drawn while it trains, again and again",
    )
    report: bool | None = Field(
        None, description="write report.html when training has ended; default: of sweeps, not of runs"
    )
    histograms: bool = Field(False, description="histograms of each parameter in TensorBoard")
    evaluate_train: bool = Field(True, description="evaluate the whole training set at each record")
    curvature: bool = Field(
        False, description="the largest and the smallest curvature of the training loss at each record"
    )


_THREE: JsonDict = {"minItems": 3, "maxItems": 3}


class GridSpec(Config):
    """The values of one swept key: exactly one of the three forms."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"required": [form], "properties": {form: {"type": "array"}}}
                for form in ("values", "log_range", "range")
            ]
        }
    )

    values: list[Any] | None = Field(None, min_length=1, description="these values")
    log_range: list[float] | None = Field(
        None,
        description="[lo, hi, n]: n values from lo to hi, both included, in geometric steps",
        examples=[[0.001, 1, 13]],
        json_schema_extra=_THREE,
    )
    range: list[float] | None = Field(
        None,
        description="[lo, hi, n]: n values from lo to hi, both included, in equal steps",
        json_schema_extra=_THREE,
    )

    @model_validator(mode="after")
    def _check(self) -> "GridSpec":
        given = [name for name in ("values", "log_range", "range") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("give exactly one of values, log_range, range")
        if given[0] != "values":
            _check_bounds(given[0], getattr(self, given[0]))
        return self

    def points(self) -> list[Any]:
        """The values, in order, each once; whole numbers of a range are integers, so a count can be swept.

        Values between the ends of a range are decimals of at most fourteen digits, below which powers are
        rounding: 0.1, never 0.09999999999999998.
        """
        if self.values is not None:
            return list(_by_text(self.values).values())
        low, high, count = self.log_range or self.range or (0.0, 0.0, 0)
        steps = int(count) - 1
        between = range(1, steps)
        if self.log_range is not None:
            inner = [float(f"{_geometric(low, high, step, steps):.{_DIGITS - 1}e}") for step in between]
        else:
            places = _DIGITS - 1 - math.floor(math.log10(max(abs(low), abs(high))))
            inner = [round(_linear(low, high, step, steps), places) for step in between]
        return list(_by_text(map(_whole, (low, *inner, high))).values())

    @property
    def repeated(self) -> list[Any]:
        """The values that are written more than once."""
        texts = list(map(_text, self.values or ()))
        return [value for text, value in _by_text(self.values or ()).items() if texts.count(text) > 1]


def _by_text(values: Iterable[Any]) -> dict[str, Any]:
    """Different values under different texts: true is not 1."""
    return {_text(value): value for value in values}


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _geometric(low: float, high: float, step: int, steps: int) -> float:
    """One of some geometric steps between positive numbers, also where their ratio is no float."""
    ratio = high / low
    if math.isfinite(ratio):
        return low * math.pow(ratio, step / steps)
    return float(Decimal(low) * (Decimal(high) / Decimal(low)) ** (Decimal(step) / steps))


def _linear(low: float, high: float, step: int, steps: int) -> float:
    """One of some equal steps between numbers, also where their difference is no float."""
    span, share = high - low, step / steps
    return low + span * share if math.isfinite(span) else low * (1 - share) + high * share


def _whole(value: float) -> float:
    """The integer that a value is, but for rounding, or the value; large ones, of no count, stay 1e+20."""
    is_whole = abs(value) < _LARGEST_COUNT and math.isclose(value, round(value), rel_tol=1e-12)
    return round(value) if is_whole else value


def _check_bounds(name: str, bounds: list[float]) -> None:
    if len(bounds) != 3:
        raise ValueError(f"{name} is [lo, hi, n], three numbers, not {len(bounds)}")
    low, high, count = bounds
    if not low < high:
        raise ValueError(f"{name} needs lo < hi, not {low:g} and {high:g}")
    if name == "log_range" and low <= 0:
        equal = f"equal steps are written {{range: [{low:g}, {high:g}, {count:g}]}}"
        cure = "its ends are values, not exponents" if low < 0 else equal
        raise ValueError(f"log_range needs lo > 0, not {low:g}, as its steps are geometric; {cure}")
    if count != int(count) or not 2 <= count <= _MOST_POINTS:
        raise ValueError(f"{name} needs a whole number n from 2 to {_MOST_POINTS}, not {count:g}")


def _one_or_several(schema: dict[str, Any]) -> None:
    """What a grid may be written as: see `Sweep._one_grid_is_a_union_of_one`."""
    several = {key: schema.pop(key) for key in ("type", "items", "maxItems")} | {"minItems": 1}
    schema["anyOf"] = [several["items"] | {"minProperties": 1}, several]


class Select(Best):
    """The metric by which a sweep ranks its configurations."""

    metric: str = Field("val/loss", description="the recorded metric that decides")


Seeds = Annotated[
    list[Annotated[int, Field(ge=0)]], Field(json_schema_extra={"minItems": 1, "uniqueItems": True})
]
Grid = Annotated[dict[str, GridSpec], Field(max_length=100)]


class Sweep(Config):
    """A grid of configurations times seeds."""

    grid: list[Grid] = Field(
        max_length=1000,
        description="from dotted key to values; a list of mappings is a union of grids",
        examples=[{"optimizer.lr": {"log_range": [0.001, 1, 13]}}],
        json_schema_extra=_one_or_several,
    )
    seeds: Annotated[int, Field(ge=1)] | Seeds = Field(
        5, description="a count, from the file's own seed on, or a list of seeds"
    )
    select: Select | None = Field(None, description="the metric by which configurations are ranked")

    @property
    def num_seeds(self) -> int:
        """How many seeds there are."""
        return self.seeds if isinstance(self.seeds, int) else len(self.seeds)

    def seed_list(self, first: int) -> Sequence[int]:
        """The seeds themselves; a count begins with the `first`, and takes no memory."""
        return range(first, first + self.seeds) if isinstance(self.seeds, int) else tuple(self.seeds)

    @field_validator("grid", mode="before")
    @classmethod
    def _one_grid_is_a_union_of_one(cls, value: Any) -> Any:
        if not isinstance(value, dict | list) or not value:
            raise ValueError("must be a mapping from dotted key to values, or a list of such mappings")
        return [value] if isinstance(value, dict) else value

    @field_serializer("grid")
    def _one_grid_is_written_plainly(self, grid: list[dict[str, GridSpec]]) -> Any:
        written = [{key: spec.model_dump(exclude_none=True) for key, spec in one.items()} for one in grid]
        return written[0] if len(written) == 1 else written

    @field_validator("seeds")
    @classmethod
    def _each_seed_once(cls, seeds: int | list[int]) -> int | list[int]:
        if isinstance(seeds, list) and (not seeds or len(set(seeds)) < len(seeds)):
            raise ValueError("must name at least one seed, and none twice")
        return seeds
