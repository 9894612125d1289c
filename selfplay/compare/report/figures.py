"""The figures of a report, each a Picture: drawn from a comparison, nothing computed but places."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl

from selfplay.compare.comparison import Comparison
from selfplay.compare.pool import Pool
from selfplay.compare.report.canvas import STYLE, Picture
from selfplay.compare.report.draw_laws import draw_compute_law, draw_law
from selfplay.compare.report.draw_matrix import draw_matrix
from selfplay.compare.report.draw_pool import draw_pool
from selfplay.compare.report.draw_strength import draw_epochs, draw_groups, draw_regimes
from selfplay.compare.views import View


def draw_all(found: Comparison, views: Sequence[View], pool: Pool | None) -> tuple[Picture, ...]:
    """Every figure that the runs have something to say for, in the order of the report."""
    with mpl.rc_context(STYLE):  # type: ignore[arg-type]  # it wants literal keys
        drawn = [
            draw_regimes(views[0], "strength", charged=False),
            draw_regimes(views[0], "strength-charged", charged=True),
            draw_groups(views[0], "strength-groups"),
            *(
                draw_regimes(view, f"strength-{view.metric.rpartition('/')[2]}", charged=False)
                for view in views[1:]
            ),
            draw_law(found, "D"),
            draw_law(found, "N"),
            draw_compute_law(found),
            draw_epochs(views[0]),
            draw_matrix(found.matrix),
            draw_pool(pool, found.groups),
        ]
    return tuple(each for each in drawn if each is not None)
