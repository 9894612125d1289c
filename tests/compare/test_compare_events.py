"""The curves for TensorBoard, read back as TensorBoard reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from synthetic_runs import expert_data, power, write_run
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.custom_scalar import metadata as layout_metadata
from tensorboard.plugins.hparams import metadata as hparams_metadata
from tiny_runs import events_of

from selfplay.compare.comparison import View, compare
from selfplay.compare.report.events import run_names, write_events

IMITATION = "imitation, 10 games"
LOG = "against log compute (step 1200 = 1e12 FLOPs)"
BANDS = "compare_bands/mistake rate/against compute (step = GFLOP)"


@pytest.fixture(scope="module")
def views(tmp_path_factory: pytest.TempPathFactory) -> tuple[View, ...]:
    """Self-play of two seeds and imitation of one, whose expert took 1 second: 1e10 FLOPs."""
    runs = tmp_path_factory.mktemp("runs")
    for seed in range(2):
        write_run(runs / f"played-{seed}", power(1e9, 0.3), seed=seed)
    data = expert_data(10, "some/../one: else")
    write_run(
        runs / "imitated", power(1e9, 0.1), kind="imitation", regime={"data": "d", "games": 10},
        data=data, expert_s=1.0,
    )  # fmt: skip
    return compare([runs]).views


@pytest.fixture(scope="module")
def folder(views: tuple[View, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("events")
    write_events(made, views)
    return made


def series(found: Any, tag: str) -> tuple[list[int], np.ndarray]:
    events = found.Scalars(tag)
    return [event.step for event in events], np.array([event.value for event in events])


def test_each_group_is_a_run_with_its_curve_and_band(folder: Path, views: tuple[View, ...]) -> None:
    assert sorted(p.name for p in folder.iterdir() if p.is_dir()) == [IMITATION, "self-play"]
    found = events_of(folder / "self-play")
    (curve,) = (each for each in views[0].free.curves if each.label == "self-play")
    steps, mean = series(found, "compare/mistake rate/against compute (step = GFLOP)")
    assert (steps[0], steps[-1]) == (10, 100_000)
    assert mean == pytest.approx(curve.mean, rel=1e-6)
    decades, _ = series(found, f"compare/mistake rate/{LOG}")
    assert decades == list(range(1000, 1401, 5))
    for end, band in (("low", curve.low), ("high", curve.high)):
        _, values = series(found, f"{BANDS}_{end}")
        assert band is not None
        assert values == pytest.approx(band, rel=1e-6)
    _, alone = series(found, "compare/net mistake rate/against compute (step = GFLOP)")
    assert alone == pytest.approx(np.minimum(1, 1.5 * mean), rel=1e-5)


def test_one_seed_has_the_mean_as_its_band_and_charged_curves_are_apart(folder: Path) -> None:
    found = events_of(folder / IMITATION)
    _, mean = series(found, "compare/mistake rate/against compute (step = GFLOP)")
    for end in ("low", "high"):
        assert series(found, f"{BANDS}_{end}")[1].tolist() == mean.tolist()
    free, _ = series(found, f"compare/mistake rate/{LOG}")
    charged, _ = series(found, f"compare/mistake rate, expert and search charged/{LOG}")
    assert free[0] == 1000
    assert charged[0] == 1035  # 1e10 + 1e10 = 1e10.30, the next point of the grid
    assert free[-1] == charged[-1] == 1400


def test_the_layout_names_series_that_are_there(folder: Path) -> None:
    (event,) = events_of(folder).Tensors(layout_metadata.CONFIG_SUMMARY_TAG)
    layout = layout_pb2.Layout.FromString(event.tensor_proto.string_val[0])
    (category,) = layout.category
    titles = [chart.title for chart in category.chart]
    assert titles[::-1][:2] == [
        "mistake rate, 64 simulations a move (step 1200 = 1e12 FLOPs, 1300 = 1e13)",
        "mistake rate, 64 simulations a move (step = GFLOP)",
    ]
    assert len(titles) == 8
    there = set(events_of(folder / "self-play").Tags()["scalars"])
    for chart in category.chart:
        (each,) = chart.margin.series
        assert {each.value, each.lower, each.upper} <= there


def test_hparams_hold_a_session_a_group(folder: Path) -> None:
    plugin = hparams_metadata.PLUGIN_NAME
    data = events_of(folder).PluginTagToContent(plugin)[hparams_metadata.EXPERIMENT_TAG]
    experiment = hparams_metadata.parse_experiment_plugin_data(data)
    assert [each.name for each in experiment.hparam_infos] == [
        "regime", "expert", "parameters", "games of the expert", "frozen positions",
        "positions of its own", "seeds", "CPU seconds of the expert",
    ]  # fmt: skip
    found = events_of(folder / IMITATION)
    content = found.PluginTagToContent(plugin)[hparams_metadata.SESSION_START_INFO_TAG]
    told = hparams_metadata.parse_session_start_info_plugin_data(content).hparams
    assert told["regime"].string_value == "imitation"
    assert told["games of the expert"].number_value == 10
    assert "frozen positions" not in told  # games and positions are never in one column
    assert "positions of its own" not in told
    assert told["CPU seconds of the expert"].number_value == 1.0
    tags = {each.name.tag for each in experiment.metric_infos}
    assert tags <= set(found.Tags()["scalars"])


def test_names_of_runs_are_names_of_folders(views: tuple[View, ...], tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    group = views[0].free.curves[0].group
    labels = ["../../etc", "figures", "Figures", "a/b: <c>", "", "x" * 300]
    names = run_names([group._replace(label=label) for label in labels], tmp_path)
    assert names == ["etc", "figures 2", "Figures 3", "a b c", "group", "x" * 100]
