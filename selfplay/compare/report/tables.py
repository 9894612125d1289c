"""The tables of a comparison as text, and all that the terminal shows of it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from rich import box
from rich.table import Table as RichTable
from rich.text import Text

from selfplay.compare.analysis.curves import Crossing, Curve
from selfplay.compare.analysis.fits import Elasticity, LawFit
from selfplay.compare.analysis.sentence import (
    brief,
    capital,
    group_order,
    representatives,
    spell_ends,
    spell_flops,
)
from selfplay.compare.comparison import Comparison, View
from selfplay.compare.metrics import (
    spell_metric,
    spell_number,
    spell_value,
    unit_of_difference,
)
from selfplay.compare.pool import Pool
from selfplay.compare.report.exchange_tables import (
    dependence_tables,
    matches_table,
    rates_table,
)
from selfplay.compare.report.table import NONE, Table
from selfplay.compare.report.view_tables import view_tables
from selfplay.stats import Interval
from selfplay.system.console import PlainConsole

_WIDE = 150  # columns where there is no terminal to fit
_STATES = {
    "crosses": "overtakes",
    "ahead": "better all along",
    "behind": "worse to the end",
    "undecided": "not certain",
    "apart": "no compute in common",
    "unknown": "one seed: no interval",
}


def groups_table(views: Sequence[View]) -> Table:
    """One row a group, at the largest compute that all its seeds reached; a column a view."""
    ordered = sorted(views[0].free.curves, key=lambda curve: group_order(curve.group))
    what, unit = views[0].title.partition(",")[0], ordered[0].unit
    titles = [
        spell_metric(view.metric) if len(views) == 1 else view.title.removeprefix(f"{what}, ")
        for view in views
    ]
    heads = (
        "group", "seeds", "N", "D", unit, *(f"{title} (95%)" for title in titles), "E / D",
        "expert s", "wall s",
    )  # fmt: skip
    return Table(
        "Groups of runs" if len(views) == 1 else f"Groups of runs: {what}",
        heads,
        tuple(_group_row(curve, views) for curve in ordered),
        "N: parameters; D: games of the expert, or positions of a frozen run, or (=) different "
        "positions that the runs made; E / D: samples learned from over different positions; "
        "seconds of the expert's CPU and of the wall: means over seeds at the last measurement",
    )


def _group_row(curve: Curve, views: Sequence[View]) -> tuple[str, ...]:
    group = curve.group
    unique = group.last("unique")
    made = NONE if math.isnan(unique) else f"={_count(unique)}"
    return (
        brief(group.label),
        str(len(group.runs)),
        f"{group.parameters:,}",
        f"{group.data:,}" if group.data is not None else made,
        NONE if curve.empty else spell_flops(float(curve.flops[-1])),
        *(_last(view, group.label) for view in views),
        _short(group.last("samples") / unique) if unique > 0 else NONE,
        _count(group.last("expert_s")),
        _count(group.last("wall_s")),
    )


def _last(view: View, label: str) -> str:
    """The value of a group at the end of its curve, with its interval if there is one."""
    curve = next((curve for curve in view.free.curves if curve.label == label), None)
    if curve is None or curve.empty:
        return NONE
    value = spell_value(float(curve.mean[-1]), curve.metric)
    if curve.low is None or curve.high is None:
        return f"{value} (one seed)"
    ends = (spell_number(float(end[-1]), curve.metric, 2) for end in (curve.low, curve.high))
    return f"{value} ({' to '.join(ends)})"


def crossings_table(curves: Sequence[Curve], crossings: Sequence[Crossing], title: str) -> Table:
    """One row a pair: each regime's best group against all that is taught by others than itself.

    Frozen data are against nobody, unless nothing else is taught.
    """
    frozen = {curve.label for curve in curves if curve.group.maker_parameters is not None}
    best = {curve.label for curve in representatives(curves)}
    against = [each for each in crossings if each.a in best]
    chief = [each for each in against if each.b not in frozen] or against
    return Table(
        title,
        (
            "pair",
            "the first",
            f"at {curves[0].unit}",
            "95%",
            "certain from",
            "lead in the end",
            "its standard error",
        ),
        tuple(
            (
                f"{brief(each.a)} against {brief(each.b)}",
                _STATES[each.state],
                spell_flops(each.flops) if each.flops else NONE,
                " to ".join(spell_ends(each)) if each.state == "crosses" else NONE,
                spell_flops(each.sure) if each.sure else NONE,
                _lead(each),
                _lead_error(each),
            )
            for each in chief
        ),
        "certain from: the compute from which on the first is better with probability over 0.975; "
        "lead in the end: at the largest compute in common, with its 95% interval, above 0 where "
        "the first is better; its standard error: of the seeds and of the positions, paired where "
        "all runs left their answers to each; all pairs are in compare.json",
    )


def _lead(crossing: Crossing) -> str:
    if math.isnan(crossing.lead):
        return NONE
    gap = crossing.gap or (crossing.lead, math.nan, math.nan)
    lead, low, high = (spell_number(each, crossing.metric, sign="+") for each in gap)
    value = f"{lead} {unit_of_difference(crossing.metric)}"
    return value if crossing.gap is None else f"{value} ({low} to {high})"


def _lead_error(crossing: Crossing) -> str:
    if crossing.error is None:
        return NONE
    paired = ", paired" if crossing.paired else ""
    unit = unit_of_difference(crossing.metric)
    return f"{spell_number(crossing.error, crossing.metric, 2)} {unit}{paired}"


def fits_table(fits: Sequence[LawFit], loss: str) -> Table:
    """One row a law and form; of the two forms of a law the one that foretells better is first."""
    return Table(
        f"Power laws of the {spell_metric(loss)}",
        ("law", "form", "parameters (95%)", "points", "held-out error"),
        tuple(
            (
                f"L({fit.of}), {brief(fit.label)}",
                fit.form,
                "; ".join(
                    f"{name.replace('_', ' ')} {_short(each.value)}{_around(each)}"
                    for name, each in fit.parameters.items()
                ),
                str(len(fit.cells)),
                NONE if fit.held_out is None else _error(math.expm1(fit.held_out)),
            )
            for fit in fits
        ),
        "power: L = (scale / x)^exponent; floor: L = floor + (scale / x)^exponent; nested: "
        "L = ((scale n / N)^(exponent n / exponent d) + scale d / D)^(exponent d); additive: "
        "L = floor + (scale n / N)^(exponent n) + (scale d / D)^(exponent d); held-out error: the "
        "mean relative error in the largest half-decade of x, foretold from the rest",
    )


def _error(share: float) -> str:
    return f"{100 * share:.1f}%" if share >= 0.0005 else "below 0.1%"


def elasticities_table(elasticities: Sequence[Elasticity]) -> Table:
    return Table(
        "Elasticities: what more data or a larger net would bring",
        ("of", "elasticity", "value", "95%", "over"),
        tuple(
            (
                brief(each.label),
                f"d ln L / d ln {each.of}",
                f"{each.value:+.3f}",
                f"{each.interval.low:+.3f} to {each.interval.high:+.3f}" if each.interval else NONE,
                f"{each.of} = {each.x.min():,.0f} to {each.x.max():,.0f}",
            )
            for each in elasticities
        ),
        "-0.3 means that ten times x halves the loss",
    )


def pool_table(pool: Pool | None) -> Table:
    """One row a player, the best first; no rows where no pool was played."""
    heads = "player", "Elo", "95%", "points", "mistakes in own games", "95%"
    if pool is None:
        return Table("Elo in one pool", heads, ())
    rows = []
    for i in np.argsort(-pool.elo):
        rate, low, high = (100 * float(part[i]) for part in pool[-3:])
        rows.append(
            (
                brief(pool.labels[i]),
                f"{pool.elo[i]:+.0f}",
                f"{pool.low[i]:+.0f} to {pool.high[i]:+.0f}",
                f"{100 * float(np.nanmean(pool.score[i])):.1f}%",
                NONE if math.isnan(rate) else f"{rate:.2f}%",
                NONE if math.isnan(low) else f"{low:.2f} to {high:.2f}%",
            )
        )
    return Table(
        "Elo in one pool",
        heads,
        tuple(rows),
        f"{pool.games} games a pair, {pool.simulations} simulations a move (0: the nets alone); "
        "points: the mean score against the others",
    )


def _around(interval: Interval) -> str:
    low, high = interval[1:]
    return "" if math.isnan(low) else f" ({_short(low)} to {_short(high)})"


def _count(value: float) -> str:
    if math.isnan(value):
        return NONE
    return f"{value:,.0f}" if value < 1e6 else spell_flops(value)


def _short(value: float) -> str:
    if math.isnan(value):
        return NONE
    if value and not 1e-3 <= abs(value) < 1e5:
        return f"{value:.1e}".replace("e+0", "e").replace("e+", "e").replace("e-0", "e-")
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def print_comparison(comparison: Comparison) -> None:
    """The sentence first, then the tables, then the notes."""
    view = comparison.views[0]
    console = PlainConsole()
    if not console.is_terminal:
        console = PlainConsole(width=_WIDE)
    sentences = view.exchange_sentence, view.free.sentence, view.charged.sentence
    for sentence in filter(None, sentences):
        console.print(Text(f"{capital(sentence)}.", "bold"), soft_wrap=True)
    tables = (
        groups_table([view]),
        matches_table(view),
        rates_table(view),
        *dependence_tables(comparison.dependences)[:1],
        crossings_table(view.free.curves, view.free.crossings, "Crossings"),
        fits_table(comparison.fits, comparison.loss),
        *view_tables(comparison),
        pool_table(comparison.pool),
    )
    for table in tables:
        if table.rows:
            console.print()
            console.print(_rich(table))
    if comparison.notes:
        console.print()
    for note in comparison.notes:
        console.print(Text(f"Note: {note}."), soft_wrap=True)


def _rich(table: Table) -> RichTable:
    drawn = RichTable(
        title=Text(table.title, "bold"), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False
    )
    for head, words in zip(table.heads, (True, *table.words[1:]), strict=True):
        drawn.add_column(
            Text(head), justify="left" if words else "right", no_wrap=not words,
            overflow="fold", min_width=16 if words else None,
        )  # fmt: skip
    for row in table.rows:
        drawn.add_row(*(Text(cell) for cell in row))
    return drawn
