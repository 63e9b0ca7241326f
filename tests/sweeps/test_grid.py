"""The points of a grid, and which of them train together."""

import itertools
import json
import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrcli.config.blocks import Sweep
from lrcli.errors import ExperimentError
from lrcli.experiment.loading import at_point, load, one_point
from lrcli.sweeps.grid import build_groups
from lrcli.sweeps.plan import plan_sweep
from lrcli.sweeps.points import Configurations
from lrcli.training.problem import draw_problem

LINE = {
    "dataset": {"kind": "linear", "w": [2.0, -3.4], "b": 4.2, "noise": 0.01, "num_train": 50, "num_val": 20},
    "model": {"kind": "linear", "init": {"kind": "normal", "std": 0.01}},
    "loss": {"kind": "half_mse"},
    "optimizer": {"kind": "sgd", "lr": 0.05},
    "training": {"epochs": 2, "batch_size": 10},
}
XOR = LINE | {
    "dataset": {"kind": "xor", "num_train": 40, "num_val": 20},
    "model": {"kind": "mlp", "hidden": [4]},
    "loss": {"kind": "bce"},
    "optimizer": {"kind": "adam", "betas": [0.9, 0.999]},
}
SINE = LINE | {
    "dataset": {"kind": "sine", "num_train": 30, "num_val": 10},
    "model": {"kind": "polynomial", "degree": 3},
    "loss": {"kind": "mse"},
}
MOMENTUM = LINE | {"optimizer": {"kind": "sgd", "momentum": 0.9}}
DECAYING = LINE | {"optimizer": {"kind": "sgd", "schedule": {"kind": "exponential", "gamma": 0.9}}}
RMSPROP = LINE | {"optimizer": {"kind": "rmsprop"}}
UNIFORM = LINE | {"model": {"kind": "linear", "init": {"kind": "uniform", "low": -1.0, "high": 1.0}}}
STOPPING = LINE | {"training": {"early_stopping": {"metric": "val/loss"}}}


def values_of(grid):
    """Plain lists of values as a grid has them, in one grid or several."""
    if isinstance(grid, list):
        return [values_of(one) for one in grid]
    return {key: values if isinstance(values, dict) else {"values": values} for key, values in grid.items()}


@pytest.fixture
def loaded(tmp_path):
    """Loads an experiment with a grid."""

    def load_it(grid, base=LINE, seeds=2):
        path = tmp_path / "experiment.yaml"
        path.write_text(json.dumps(base | {"sweep": {"grid": values_of(grid), "seeds": seeds}}))
        return load(path)

    return load_it


def groups_of(loaded):
    sweep = loaded.experiment.sweep
    return build_groups(loaded.document, Configurations(sweep), sweep.seed_list(loaded.experiment.seed))


def name(value):
    """Of a case: the grid; of an experiment, what it is about."""
    if isinstance(value, dict) and "dataset" in value:
        return f"{value['dataset']['kind']} {value['optimizer'].get('kind', '')}".strip()
    return str(value)


def configurations(grid):
    return Configurations(Sweep(grid=values_of(grid)))


def problem_of(group, members=slice(None)):
    """What the members are trained on: the problem, the population and their indices."""
    draws, population = group.population(members)
    indices = group.indices(members)
    return draw_problem(draws, group.experiment.loss), population, indices


# Configurations -------------------------------------------------------------------------------------


def test_the_last_key_changes_fastest():
    points = configurations({"optimizer.lr": [0.1, 0.2], "optimizer.momentum": [0.0, 0.5, 0.9]})
    assert points.keys == ("optimizer.lr", "optimizer.momentum")
    assert [tuple(point.values()) for point in points] == [
        *[(0.1, 0.0), (0.1, 0.5), (0.1, 0.9)],
        *[(0.2, 0.0), (0.2, 0.5), (0.2, 0.9)],
    ]


def test_grids_follow_each_other():
    points = configurations([{"a": [1, 2]}, {"b": ["x"], "a": [3]}, {"c": [None]}])
    assert points.keys == ("a", "b", "c")
    assert list(points) == [{"a": 1}, {"a": 2}, {"b": "x", "a": 3}, {"c": None}]


def test_a_grid_without_keys_is_the_point_of_the_file(loaded):
    """As in scikit-learn's ParameterGrid; in a list, beside others."""
    points = configurations([{"optimizer.lr": [0.1, 0.2]}, {}])
    assert len(points) == 3
    assert list(points) == [{"optimizer.lr": 0.1}, {"optimizer.lr": 0.2}, {}]
    assert [numbers.tolist() for numbers, _ in points.columns()] == [[0, 1], [2]]
    (group,) = groups_of(loaded([{"optimizer.lr": [0.1, 0.2]}, {}]))
    _, population = group.population(slice(3))
    assert population.hyperparameters["lr"].tolist() == [0.1, 0.2, 0.05]


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["a", "b.c", "d", "e"]),
            st.lists(st.integers() | st.text(max_size=3) | st.none(), min_size=1, max_size=4, unique=True),
            min_size=1,
        ),
        min_size=1,
        max_size=4,
    ),
    st.slices(30),
    st.sets(st.integers(0, 20)),
)
@settings(max_examples=100, deadline=None)
def test_the_points_are_those_of_itertools(grids, part, left_out):
    expected = [
        dict(zip(grid, values, strict=True)) for grid in grids for values in itertools.product(*grid.values())
    ]
    left_out = {number for number in left_out if number < len(expected) - 1}
    expected = [point for number, point in enumerate(expected) if number not in left_out]
    points = Configurations(Sweep(grid=values_of(grids)), sorted(left_out))
    assert len(points) == len(expected)
    assert list(points) == expected
    assert points[part] == expected[part]
    assert [points[-i - 1] for i in range(len(points))] == expected[::-1]
    for outside in (len(points), -len(points) - 1):
        with pytest.raises(IndexError):
            points[outside]
    rebuilt = [{} for _ in expected]
    for numbers, columns in points.columns():
        for key, (values, index) in columns.items():
            for number, i in zip(numbers, index, strict=True):
                rebuilt[number][key] = values[i]
    assert rebuilt == expected


@pytest.mark.parametrize(
    ("base", "grid", "kept"),
    [
        (LINE, {"optimizer.lr": [0.03, 0.03, 0.1]}, [{"optimizer.lr": 0.03}, {"optimizer.lr": 0.1}]),
        (
            LINE,
            [{"optimizer.lr": [0.1, 0.2]}, {"optimizer.lr": [0.2, 0.3]}],
            [{"optimizer.lr": 0.1}, {"optimizer.lr": 0.2}, {"optimizer.lr": 0.3}],
        ),
        (
            LINE,  # whose rate is 0.05
            [{"optimizer.lr": [0.05]}, {"training.epochs": [1, 2]}],
            [{"optimizer.lr": 0.05}, {"training.epochs": 1}],
        ),
        (
            LINE,  # another kind has its own default
            [{"optimizer.kind": ["adam"]}, {"optimizer.kind": ["adam"], "optimizer.lr": [0.001, 0.05]}],
            [{"optimizer.kind": "adam"}, {"optimizer.kind": "adam", "optimizer.lr": 0.05}],
        ),
        (LINE, [{"optimizer.lr": [0.1]}, {"optimizer.lr": [0.1]}], [{"optimizer.lr": 0.1}]),
    ],
    ids=["one key", "two grids", "the file's value", "another kind", "the same grid"],
)
def test_equal_points_are_trained_once(loaded, base, grid, kept):
    plan = plan_sweep(loaded(grid, base))
    assert list(plan.configurations) == kept
    indices = np.concatenate([part.indices for part in plan.parts])
    assert sorted(map(tuple, indices.tolist())) == [(s, c) for s in range(2) for c in range(len(kept))]
    raw = sum(len(list(itertools.product(*one.values()))) for one in (grid if isinstance(grid, list) else []))
    assert plan.notes == (
        [f"{raw - len(kept)} of {raw} grid points are equal to others; each is trained once"] if raw else []
    )


# Populations ----------------------------------------------------------------------------------------

TOGETHER = [
    (LINE, {"optimizer.lr": [0.1, 0.2, 0.3]}),
    (LINE, {"optimizer.momentum": [0, 0.9], "optimizer.weight_decay": [0, 0.1]}),
    (LINE, {"optimizer.dampening": [0, 0.5]}),
    (RMSPROP, {"optimizer.alpha": [0.9, 0.99], "optimizer.eps": [1e-8, 1e-4]}),
    (XOR, {"optimizer.betas": [[0.9, 0.999], [0.5, 0.9]]}),
    (XOR, {"optimizer.betas.0": [0.9, 0.5, 0.0], "optimizer.betas.1": [0.99, 0.9]}),
    (LINE, {"training.clip_grad_norm": [None, 1.0, 0.1]}),
    (LINE, {"training.clip_grad_norm": [1.0, None], "dataset.noise": [0.0, 0.1]}),
    (LINE, {"dataset.noise": [0.0, 0.1], "optimizer.lr": [0.1, 0.2]}),
    (LINE, {"optimizer.lr": [0.1, 0.2], "dataset.w": [[2.0, -3.4], [0.0, 1.0]]}),
    (LINE, {"dataset.feature_std": [1.0, [1.0, 10.0]], "dataset.b": [0.0, 1.0]}),
    (LINE, {"dataset.seed": [None, 7], "dataset.outliers": [{}, {"3": 100.0}]}),
    (LINE, {"model.init.kind": ["default", "zeros", "xavier_uniform"], "optimizer.lr": [0.1, 0.2]}),
    (LINE, {"model.init.std": [0.01, 0.1]}),
    (LINE, {"model.init": [{"kind": "zeros"}, {"kind": "constant", "value": 1.0}]}),
    (XOR, {"model.input_noise": [0.0, 0.1], "dataset.label_noise": [0.0, 0.1]}),
    (SINE, {"dataset.spacing": ["grid", "uniform"], "dataset.amplitude": [1.0, 2.0]}),
]
APART = [
    (LINE, {"optimizer.kind": ["sgd", "adam"]}),
    (MOMENTUM, {"optimizer.nesterov": [False, True]}),
    (XOR, {"optimizer.amsgrad": [False, True]}),
    (RMSPROP, {"optimizer.centered": [False, True]}),
    (LINE, {"optimizer.schedule.kind": ["constant", "cosine"]}),
    (DECAYING, {"optimizer.schedule.gamma": [0.9, 0.99]}),
    (LINE, {"optimizer.kind": ["sgd", "adam"], "optimizer.schedule.kind": ["constant", "cosine"]}),
    (LINE, {"optimizer.schedule.kind": ["constant", "cosine"], "optimizer.kind": ["sgd", "adam"]}),
    (XOR, {"model.hidden": [[4], [5], [4, 4]]}),
    (XOR, {"model.hidden.0": [3, 5]}),
    (XOR, {"model.activation": ["relu", "tanh"]}),
    (SINE, {"model.degree": [2, 3]}),
    (LINE, {"training.batch_size": [10, 20, "full"]}),
    (LINE, {"training.epochs": [1, 2]}),
    (LINE, {"training.shuffle": [True, False]}),
    (STOPPING, {"training.early_stopping.patience": [1, 2]}),
    (LINE, {"dataset.num_train": [40, 50]}),
    (LINE, {"dataset.num_val": [10, 20]}),
    (LINE, {"dataset.w": [[1.0], [1.0, 2.0]]}),
    (LINE, {"loss.kind": ["half_mse", "l1"]}),
    (LINE, {"loss.reduction": ["mean", "sum"]}),
    (LINE, {"dtype": ["float32", "float64"]}),
    (LINE, {"logging.every": [1, 2]}),
]
MIXED = [
    (LINE, {"training.batch_size": [10, 20], "optimizer.lr": [0.1, 0.2], "dataset.noise": [0.0, 0.1]}),
    (LINE, {"optimizer.lr": [0.1, 0.2], "loss.kind": ["half_mse", "l1"], "dataset.b": [0.0, 1.0]}),
    (
        LINE,
        [
            {"optimizer.kind": ["sgd"], "optimizer.lr": [0.1, 0.2], "training.clip_grad_norm": [1.0, None]},
            {"optimizer.kind": ["adam", "adamw"], "optimizer.lr": [0.01], "dataset.noise": [0.0, 1.0]},
            {"optimizer.lr": [0.3], "dataset.noise": [0.5]},
        ],
    ),
]


@pytest.mark.parametrize(("base", "grid"), TOGETHER, ids=name)
def test_keys_that_change_no_shape_share_a_population(loaded, base, grid):
    assert len(groups_of(loaded(grid, base))) == 1


@pytest.mark.parametrize(("base", "grid"), APART, ids=name)
def test_keys_that_change_what_is_computed_split_the_sweep(loaded, base, grid):
    assert len(groups_of(loaded(grid, base))) == math.prod(map(len, grid.values()))


def test_numbers_of_the_optimizer_need_no_experiment_each(loaded):
    grid = {"optimizer.lr": {"log_range": [1e-3, 1, 20]}, "optimizer.momentum": [0, 0.5], "dataset.b": [0, 1]}
    (group,) = groups_of(loaded(grid))
    assert [len(variant.numbers) for variant in group.variants] == [40, 40]


@pytest.mark.parametrize(("base", "grid"), TOGETHER + APART + MIXED, ids=name)
def test_each_member_is_what_its_point_says(loaded, base, grid):
    """Every point with every seed once, seed by seed, with its data, model, numbers and keys."""
    sweep = loaded(grid, base, seeds=[5, 3])
    points, document = Configurations(sweep.experiment.sweep), one_point(sweep.document)
    groups = groups_of(sweep)
    assert sorted(np.concatenate([group.configurations for group in groups])) == list(range(len(points)))
    for group in groups:
        draws, population = group.population(slice(None))
        indices = group.indices(slice(None))
        assert population.size == group.size
        count = len(group.configurations)
        assert indices.tolist() == [[i // count, group.configurations[i % count]] for i in range(group.size)]
        for member, (seed, configuration) in enumerate(indices):
            point = points[int(configuration)]
            experiment = at_point(document, point | {"seed": group.seeds[seed]})
            for key, value in point.items():
                if key != "optimizer.betas" or "optimizer.betas.0" not in point:
                    assert at(experiment, key) == value
            assert draws[population.draw_index[member]] == (
                (5, 3)[seed],
                experiment.dataset,
                experiment.model,
            )
            numbers = {name: values[member] for name, values in population.hyperparameters.items()}
            limit = numbers.pop("clip_grad_norm", math.inf)
            assert numbers == experiment.optimizer.hyperparameters()
            assert limit == (experiment.training.clip_grad_norm or math.inf)
            assert group.experiment.optimizer.kind == experiment.optimizer.kind
            assert group.experiment.optimizer.schedule == experiment.optimizer.schedule
            assert group.experiment.loss == experiment.loss
            assert group.experiment.dtype == experiment.dtype


def at(experiment, key):
    """The value at a dotted key; of a component as much as was written."""
    value = experiment.model_dump(mode="json")
    for name in key.split("."):
        value = value[int(name)] if isinstance(value, list) else value[name]
    return value


@pytest.mark.parametrize(("base", "grid"), MIXED[:1] + TOGETHER[9:14], ids=name)
def test_a_part_of_a_group_is_that_part(loaded, base, grid):
    for group in groups_of(loaded(grid, base, seeds=3)):
        draws, whole = group.population(slice(None))
        indices = group.indices(slice(None))
        for start, stop in ((0, 2), (1, 4), (3, group.size)):
            few, part = group.population(slice(start, stop))
            where = group.indices(slice(start, stop))
            assert where.tolist() == indices[start:stop].tolist()
            own = [few[i] for i in part.draw_index]
            assert own == [draws[i] for i in whole.draw_index[start:stop]]
            assert set(part.draw_index) == set(range(len(few)))
            for name, values in part.hyperparameters.items():
                assert values.tolist() == whole.hyperparameters[name][start:stop].tolist()


@pytest.mark.parametrize(
    ("base", "grid", "rows", "starts"),
    [
        (LINE, {"optimizer.lr": [0.1, 0.2, 0.3], "optimizer.momentum": [0, 0.9]}, 1, 1),
        (LINE, {"training.clip_grad_norm": [None, 1.0]}, 1, 1),
        (LINE, {"model.init.std": [0.1, 0.2, 0.3]}, 1, 3),
        (LINE, {"model.init.kind": ["zeros", "default"], "optimizer.lr": [0.1, 0.2]}, 1, 2),
        (LINE, {"dataset.noise": [0.0, 0.1], "model.init.std": [0.1, 0.2, 0.3]}, 2, 6),
        (XOR, {"model.input_noise": [0.0, 0.1]}, 2, 2),
    ],
    ids=name,
)
def test_members_of_a_seed_share_all_that_their_keys_leave_alone(loaded, base, grid, rows, starts):
    """`rows` of data and `starts` draws of initial parameters for each seed."""
    (group,) = groups_of(loaded(grid, base, seeds=3))
    problem, population, indices = problem_of(group)
    assert len(problem.sources) == len(problem.splits["train"].inputs) == 3 * rows
    assert len(problem.draws) == 3 * starts
    row_of = problem.data_index[population.draw_index]
    for seed in range(3):
        mine = indices[:, 0] == seed
        assert len(set(row_of[mine])) == rows
        assert len(set(population.draw_index[mine])) == starts
        assert {problem.sources[row].seed for row in row_of[mine]} == {group.seeds[seed]}


@pytest.mark.parametrize("key", ["dataset.noise", "dataset.b"])
def test_other_targets_leave_features_starts_and_orders_as_they_are(loaded, key):
    (group,) = groups_of(loaded({key: [0.0, 1.0], "optimizer.lr": [0.1, 0.2]}, seeds=2))
    problem, population, indices = problem_of(group)
    row_of = problem.data_index[population.draw_index]
    train = problem.splits["train"]
    for seed in range(2):
        first, *others = np.flatnonzero(indices[:, 0] == seed)
        a = row_of[first]
        for other in others:
            b = row_of[other]
            assert np.array_equal(train.features[a], train.features[b])
            assert np.array_equal(train.targets[a], train.targets[b]) == (a == b)
            assert np.array_equal(problem.order(a, 3), problem.order(b, 3))
            for initial in problem.initial.values():
                start = initial[population.draw_index[first]]
                assert np.array_equal(start, initial[population.draw_index[other]])
    one, another = row_of[indices[:, 0] == 0][0], row_of[indices[:, 0] == 1][0]
    assert not np.array_equal(train.features[one], train.features[another])
    assert not np.array_equal(problem.order(one, 3), problem.order(another, 3))


@pytest.mark.parametrize("draw", [1, 2])
def test_a_seed_draws_the_same_in_any_sweep(loaded, draw):
    """Its data, initial parameters and orders do not depend on the other seeds or points."""
    (alone,) = groups_of(loaded({"optimizer.lr": [0.1]}, seeds=[4]))
    grid = {"optimizer.lr": [0.1, 0.2], "model.init.std": [0.01, 0.1], "dataset.noise": [0.01, 0.5]}
    (beside,) = groups_of(loaded(grid, seeds=[1, 2, 3, 4][-draw - 1 :]))
    mine, _, _ = problem_of(alone)
    many, population, indices = problem_of(beside)
    member = np.flatnonzero((indices[:, 0] == draw) & (indices[:, 1] == 0))[0]
    start = population.draw_index[member]
    row = many.data_index[start]
    assert np.array_equal(mine.order(0, 2), many.order(row, 2))
    for split, data in mine.splits.items():
        assert np.array_equal(data.targets[0], many.splits[split].targets[row])
    for name, values in mine.initial.items():
        assert np.array_equal(values[0], many.initial[name][start])


@pytest.mark.parametrize(
    ("base", "grid", "point"),
    [
        (
            UNIFORM,
            {"model.init.low": [-1.0, 0.5], "model.init.high": [1.0, 0.1]},
            ["model.init.low=0.5", "model.init.high=0.1"],
        ),
        (
            LINE,
            {"training.drop_last": [False, True], "training.batch_size": [10, 200]},
            ["training.drop_last=true", "training.batch_size=200"],
        ),
        (LINE, {"training.batch_size": [10, 12.5, 20]}, ["training.batch_size=12.5"]),
        (
            MOMENTUM,
            {"optimizer.nesterov": [False, True], "optimizer.momentum": [0.9, 0.5, 0.0]},
            ["optimizer.nesterov=true", "optimizer.momentum=0"],
        ),
        (
            MOMENTUM,
            {"optimizer.nesterov": [False, True], "optimizer.dampening": [0.0, 0.1]},
            ["optimizer.nesterov=true", "optimizer.dampening=0.1"],
        ),
        (
            LINE,
            [{"optimizer.lr": [0.1]}, {"dataset.w": [[1.0, 2.0], [1.0]], "dataset.feature_std": [1, [1, 2]]}],
            ["dataset.w=[1]", "dataset.feature_std=[1, 2]"],
        ),
    ],
    ids=name,
)
def test_a_point_that_is_no_sound_experiment_is_refused(loaded, base, grid, point):
    """Each value alone is fine, or lies between two that are."""
    with pytest.raises(ExperimentError) as refused:
        plan_sweep(loaded(grid, base))
    for value in point:
        assert value in str(refused.value)


def test_each_optimizer_has_its_own_rates(loaded):
    grids = [
        {"optimizer.kind": ["sgd"], "optimizer.lr": [0.1, 1.0]},
        {"optimizer.kind": ["adam"], "optimizer.lr": [1e-3, 1e-2, 1e-1]},
    ]
    plan = plan_sweep(loaded(grids, seeds=2))
    assert plan.size == 10
    rates = {}
    for group in groups_of(loaded(grids, seeds=2)):
        _, population = group.population(slice(None))
        rates[group.experiment.optimizer.kind] = population.hyperparameters["lr"].tolist()
    assert rates == {"sgd": [0.1, 1.0] * 2, "adam": [1e-3, 1e-2, 1e-1] * 2}


@pytest.mark.parametrize("memory", [1, 10**4, 10**9])
def test_parts_hold_every_member_once_and_fit_the_memory(loaded, memory):
    grid = {"optimizer.lr": {"log_range": [1e-3, 1, 11]}, "training.batch_size": [10, 20]}
    plan = plan_sweep(loaded(grid, seeds=3), memory)
    indices = np.concatenate([part.indices for part in plan.parts])
    assert sorted(map(tuple, indices.tolist())) == list(itertools.product(range(3), range(22)))
    assert plan.groups == 2
    assert sum(part.size for part in plan.parts) == plan.size == 66
    assert (
        max(part.needs.total() for part in plan.parts) <= memory or max(part.size for part in plan.parts) <= 3
    )


@pytest.mark.parametrize("members", [2, 3, 4, 5, 7])
def test_no_member_is_left_over_alone(loaded, members):
    plan = plan_sweep(loaded({"optimizer.lr": {"log_range": [1e-3, 1, members]}}, seeds=1), memory=1)
    assert min(part.size for part in plan.parts) >= 2


def test_a_hundred_thousand_configurations_are_planned_in_two_seconds(loaded):
    grid = {
        "optimizer.lr": {"log_range": [1e-4, 1, 1000]},
        "dataset.noise": [0.0, 0.1],
        "optimizer.momentum": {"range": [0, 0.9, 50]},
    }
    started = time.process_time()
    plan = plan_sweep(loaded(grid, seeds=1))
    for part in plan.parts:
        part.group.population(part.members)
    assert time.process_time() - started < 2
    assert plan.size == 100_000
    assert len(plan.configurations[99_999]) == 3
