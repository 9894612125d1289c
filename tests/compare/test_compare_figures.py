"""Where labels stand, which curves share a panel, and how the figures' colours become variables."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from test_compare_curves import group_of, run_of

from selfplay.compare.analysis.sentence import brief
from selfplay.compare.groups import Group
from selfplay.compare.report.canvas import (
    COLOURS,
    spell_plain,
    spell_power,
    spread,
    style_sheet,
    with_variables,
)
from selfplay.compare.report.draw_strength import MOST, name_apart, split_panels

GAP = "\N{NO-BREAK SPACE}"
RUN = run_of(np.array([1e12, 1e13]), {"strength/mistake_rate": np.ones(2) / 2})


def group(label: str, **changes: object) -> Group:
    return group_of(label, [RUN])._replace(kind=label.split(",")[0], **changes)  # type: ignore[arg-type]


@given(st.lists(st.tuples(st.floats(0, 200), st.floats(10, 40)), min_size=1, max_size=5))
def test_labels_never_overlap_nor_leave_their_room(wishes: list[tuple[float, float]]) -> None:
    wanted, sizes = (np.array(column) for column in zip(*sorted(wishes), strict=True))
    placed = spread(wanted, sizes, 0.0, 200.0)
    gaps = np.diff(placed) - (sizes[:-1] + sizes[1:]) / 2
    assert (gaps > -1e-6).all()
    assert placed[0] - sizes[0] / 2 > -1e-6
    assert placed[-1] + sizes[-1] / 2 < 200 + 1e-6


def test_labels_with_room_stay_where_their_curves_end() -> None:
    wanted = np.array([20.0, 60.0, 100.0])
    assert spread(wanted, np.full(3, 14.0), 0.0, 120.0).tolist() == wanted.tolist()
    assert spread(np.array([50.0, 50.0]), np.full(2, 10.0), 0.0, 100.0).tolist() == [45.0, 55.0]


def test_a_regime_of_many_groups_is_split_by_expert_and_all_are_shown() -> None:
    groups = [
        group(f"imitation, {games:,} games, {expert}", expert=expert, games=games)
        for games in (60, 200, 600, 2000)
        for expert in ("solver", "minimax:4")
    ] + [group("selfplay")]
    panels = split_panels(groups)
    assert [[each.kind for each in panel] for panel in panels] == [
        ["selfplay"], ["imitation"] * 4, ["imitation"] * 4,
    ]  # fmt: skip
    assert [each.expert for each in panels[1]] == ["minimax:4"] * 4
    assert [each.games for each in panels[1]] == [60, 200, 600, 2000]
    assert max(map(len, panels)) <= MOST


def test_a_panel_is_named_by_what_its_curves_share() -> None:
    labels = [f"imitation, {games} games, made by {n}" for games, n in ((60, 1), (200, 1))]
    assert name_apart([group(label) for label in labels]) == (
        "imitation, made by 1",
        ["60 games", "200 games"],
    )
    alone = group("imitation, then self-play, 60 games")._replace(kind="imitation_then_selfplay")
    assert name_apart([alone]) == ("imitation, then self-play", ["60 games"])


def test_sizes_are_written_as_symbols() -> None:
    label = "frozen, made by 1,996 parameters, 508 parameters"
    assert brief(label) == f"frozen, data by{GAP}N{GAP}={GAP}1,996, N{GAP}={GAP}508"


def test_ticks() -> None:
    assert [*map(spell_power, (1e12, 3e9, 0.1))] == ["10¹²", "3·10⁹", "10⁻¹"]
    assert [*map(spell_plain, (1e12, 3e9, 0.1))] == ["10¹²", "3,000,000,000", "0.1"]


def test_every_colour_is_a_variable_by_day_and_by_night() -> None:
    assert len({colour.light for colour in COLOURS.values()}) == len(COLOURS)
    drawn = " ".join(f"stroke: {colour.light}" for colour in COLOURS.values())
    assert with_variables(drawn) == " ".join(f"stroke: var(--{name})" for name in COLOURS)
    day, night = style_sheet().split("@media (prefers-color-scheme:dark)")
    for name, colour in COLOURS.items():
        assert f"--{name}:{colour.light};" in day
        assert f"--{name}:{colour.dark};" in night
