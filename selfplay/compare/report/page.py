"""report.html: what ``page.html`` makes of a comparison, its tables and its figures."""

from __future__ import annotations

import re
from collections.abc import Sequence, Sized
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from selfplay.compare.analysis.sentence import capital, spell_flops
from selfplay.compare.comparison import Comparison
from selfplay.compare.metrics import spell_metric
from selfplay.compare.report.canvas import Picture, style_sheet
from selfplay.compare.report.exchange_tables import (
    dependence_tables,
    matches_table,
    rates_table,
)
from selfplay.compare.report.table import Table
from selfplay.compare.report.tables import (
    crossings_table,
    elasticities_table,
    fits_table,
    groups_table,
    pool_table,
)
from selfplay.compare.report.view_tables import view_tables

# figures that take less or more height than others
_SHAPES = {
    "matrix": "small", "similarity": "small", "strength-groups": "tall", "epochs": "tall",
    "search-plane": "tall", "search-pushes": "tall", "seeds": "tall",
}  # fmt: skip


def write_page(
    comparison: Comparison,
    pictures: Sequence[Picture],
    subject: str,
    command: str,
    written: str,
) -> str:
    """The page; ``subject`` is what was compared, ``command`` repeats it."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "capital": capital,
        "counted": _counted,
        "flops": spell_flops,
        "metric": spell_metric,
        "with_interval": _with_interval,
    }
    return environment.get_template("page.html").render(
        comparison=comparison,
        pictures=pictures,
        tables=report_tables(comparison),
        shapes=_SHAPES,
        variables=style_sheet(),
        subject=subject,
        command=command,
        written=written,
    )


def report_tables(comparison: Comparison) -> list[Table]:
    """Those that have something to say, in the order of the page."""
    views = comparison.views
    accounts = [("", view, view.free) for view in views]
    accounts += [(", expert and search charged", view, view.charged) for view in views]
    tables = (
        groups_table(views),
        *(table(view) for view in views for table in (matches_table, rates_table)),
        *dependence_tables(comparison.dependences),
        *(
            crossings_table(view.free.curves, each.crossings, f"Crossings{cost}: {view.title}")
            for cost, view, each in accounts
        ),
        fits_table(comparison.fits, comparison.loss),
        elasticities_table(comparison.elasticities),
        *view_tables(comparison),
        pool_table(comparison.pool),
    )
    return [table for table in tables if table.rows]


def _with_interval(cell: str) -> str:
    """A value with its interval below it."""
    parts = re.fullmatch(r"([^ ]+(?: points| nats)?) (\([^()]*\))", cell)
    return Markup("{}<br><small>{}</small>").format(*parts.groups()) if parts else cell


def _counted(things: Sized, noun: str) -> str:
    return f"{len(things):,} {noun}" + ("" if len(things) == 1 else "s")
