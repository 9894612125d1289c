"""The figures of a report, each a Picture: drawn from a comparison, nothing computed but places."""

from __future__ import annotations

import matplotlib as mpl

from selfplay.compare.comparison import Comparison
from selfplay.compare.report.canvas import STYLE, Picture
from selfplay.compare.report.draw_laws import draw_compute_law, draw_law
from selfplay.compare.report.draw_matrix import draw_matrix
from selfplay.compare.report.draw_pool import draw_pool
from selfplay.compare.report.draw_strength import draw_epochs, draw_groups, draw_regimes


def draw_all(comparison: Comparison) -> tuple[Picture, ...]:
    """Every figure that the runs have something to say for, in the order of the report."""
    first, *others = comparison.views
    with mpl.rc_context(STYLE):  # type: ignore[arg-type]  # it wants literal keys
        drawn = [
            draw_regimes(first, first.free, "strength"),
            draw_regimes(first, first.charged, "strength-charged"),
            draw_groups(first),
            *(
                draw_regimes(view, view.free, f"strength-{view.metric.rpartition('/')[2]}")
                for view in others
            ),
            draw_law(comparison, "D"),
            draw_law(comparison, "N"),
            draw_compute_law(comparison),
            draw_epochs(first),
            draw_matrix(comparison.matrix),
            draw_pool(comparison.pool, comparison.groups),
        ]
    return tuple(each for each in drawn if each is not None)
