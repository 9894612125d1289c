"""Graphs made of characters, cell by cell."""

from __future__ import annotations

import math

from selfplay.system.graph import Axis, Curve, axis, bar, graph, legend, sparkline


def test_a_line_goes_from_corner_to_corner() -> None:
    curve = Curve("up", [(0.0, 0.0), (4.0, 1.0)], mark="x")
    lines = [line.plain for line in graph([curve], 14, 5, "{:.1f}", fine=False)]
    assert lines[0] == "1.0 |       xx"
    assert lines[2].startswith("0.5 |")
    assert lines[4].startswith("0.0 |x")
    assert all("x" in line for line in lines)  # no gap


def test_braille_dots_stand_where_the_points_are() -> None:
    ends = Curve("two", [(0.0, 0.0), (1.0, 0.0)])
    points = graph([Curve("dot", [(0.0, 1.0)]), ends], 12, 2, "{:.0f}")
    assert points[0].plain == "1 ┤⠁"  # the upper left dot
    assert points[1].plain == "0 ┤" + "⣀" * 9  # the lowest row of dots, all of it


def test_a_level_line_spans_the_graph_and_says_its_name() -> None:
    level = Curve("random moves", [(0.0, 0.5)], "red", level=True)
    lines = graph([level, Curve("mistakes", [(0.0, 0.4), (9.0, 0.1)])], 40, 4)
    assert lines[0].plain.count("┄") == 40 - len("50.0%") - 2
    assert legend([level], fine=False).plain == "-- random moves"
    assert legend([level]).plain == "┄┄ random moves"


def test_what_falls_by_more_than_eight_fold_is_drawn_over_its_logarithm() -> None:
    assert axis([0.01, 1.0], steep=True) == Axis(0.01, 1.0, True)
    assert math.isclose(axis([0.01, 1.0], steep=True).share(0.1), 0.5)
    assert not axis([0.2, 1.0], steep=True).steep
    assert not axis([0.0, 1.0], steep=True).steep
    assert axis([3.0, 3.0]).share(3.0) == 0.5  # one value lies in the middle
    assert axis([0.01, 1.0], steep=True).share(0.0) == 0.0


def test_without_a_point_there_is_no_graph() -> None:
    assert graph([Curve("none", [])], 40, 5) == []


def test_bars_and_sparklines() -> None:
    assert sparkline([0.0, 0.5, 1.0, math.nan, 7.0]) == "▁▅█ █"
    assert sparkline([0.0, 1.0], fine=False) == ".@"
    assert bar(0.25, 8) == ("██", "░░░░░░")
    assert bar(2.0, 3, fine=False) == ("###", "")
