"""The tables of exchange rates."""

from __future__ import annotations

import math
from collections.abc import Sequence

from selfplay.compare.analysis.dependence import Dependence
from selfplay.compare.analysis.exchange import Exchange, Match
from selfplay.compare.analysis.exchange_law import ExchangeLaw
from selfplay.compare.analysis.exchange_sentence import name_games
from selfplay.compare.analysis.sentence import brief, spell_flops
from selfplay.compare.comparison import View
from selfplay.compare.metrics import VALIDATED, spell_metric, spell_number, spell_value
from selfplay.compare.report.table import NONE, Table
from selfplay.stats import Interval

_STATES = {
    "matched": "come to it",
    "below": "are better all along",
    "beyond": "do not come to it",
}


def matches_table(view: View) -> Table:
    """One row an amount of an expert's games."""
    unit = view.free.curves[0].unit
    heads = (
        "games of the expert", "own games", "best that imitation reaches (95%)", "own games ...",
        f"matched at {unit} (95%)", "expert s",
    )  # fmt: skip
    return Table(
        f"Exchange rate of the expert's games: {view.title}",
        heads,
        tuple(_match_row(each, match) for each in view.exchanges for match in each.matches),
        "matched at: the compute at which the mean of own games, made monotone, comes to the mean "
        "over seeds of the best of imitation; each seed has its own draw of games, and its best "
        "checkpoint is chosen on other positions than it is judged on",
    )


def _match_row(each: Exchange, match: Match) -> tuple[str, ...]:
    first, last = (float(end) for end in each.curve.flops[[0, -1]])
    value, low, high = match.plateau
    best = spell_value(value, each.curve.metric)
    if not math.isnan(low):
        ends = (spell_number(end, each.curve.metric, 2) for end in (low, high))
        best += f" ({' to '.join(ends)})"
    return (
        brief(match.label),
        brief(each.learner),
        best,
        _STATES[match.state],
        _compute(match.flops, first, last),
        f"{match.expert_s:,.0f}" if math.isfinite(match.expert_s) else NONE,
    )


def _compute(found: Interval, first: float, last: float) -> str:
    """With its interval, in which the ends of what was measured stand for what is beyond."""

    def spell(flops: float) -> str:
        if flops <= 0:
            return f"below {spell_flops(first)}"
        return f"over {spell_flops(last)}" if flops == math.inf else spell_flops(flops)

    value, low, high = found
    return spell(value) + ("" if math.isnan(low) else f" ({spell(low)} to {spell(high)})")


def rates_table(view: View) -> Table:
    """One row a law."""
    unit = view.free.curves[0].unit
    heads = (
        "own games against", "D0", f"{unit} at D0 (95%)", "exponent (95%)", "alpha D, alpha C",
        "their ratio (95%)", "exponent less it (95%)", "held-out factor",
    )  # fmt: skip
    return Table(
        f"Exchange rate as a law: {view.title}",
        heads,
        tuple(_law_row(each, each.law) for each in view.exchanges if each.law is not None),
        "compute = C x (D / D0)^exponent; alpha D: exponent of the best of imitation against its "
        "games, alpha C: of own games against compute in their last two decades, both without a "
        "floor; held-out factor: how far the law of the fewer games is off at the most",
    )


def _law_row(each: Exchange, law: ExchangeLaw) -> tuple[str, ...]:
    first, last = (float(end) for end in each.curve.flops[[0, -1]])
    apart = law.apart
    beside = (NONE, NONE, NONE)
    if apart is not None:
        alphas = f"{apart.data.value:.2f}, {apart.compute.value:.2f}"
        beside = alphas, _exponent(apart.ratio), _exponent(apart.excess)
    return (
        f"{brief(each.learner)} against {name_games(each.expert, 'D')}",
        f"{law.reference:,}",
        _compute(law.scale, first, last),
        _exponent(law.exponent),
        *beside,
        NONE if law.held_out is None else f"{math.exp(law.held_out):.2f}",
    )


def dependence_tables(found: Sequence[Dependence]) -> tuple[Table, ...]:
    """One an exchange rate, that of the sentence first."""
    whose = dict.fromkeys((each.learner, each.expert, each.parameters) for each in found)
    return tuple(
        _dependence_table([e for e in found if (e.learner, e.expert, e.parameters) == one])
        for one in whose
    )


def _dependence_table(found: Sequence[Dependence]) -> Table:
    """One row a source of positions by mistakes, then one for each other measure."""
    first = found[0]
    unit = first.matches[0].group.runs[0].points.compute.unit
    reference = "D0" if first.law is None else f"D = {first.law.reference:,}"
    return Table(
        f"What the exchange rate depends on: {brief(first.learner)} against "
        f"{name_games(first.expert, 'D')}",
        (
            "judged by", "positions", "matched D", f"{unit} at {reference} (95%)",
            "times the first (95%)", "exponent (95%)",
        ),
        tuple(_dependence_row(e) for e in found if e.metric == VALIDATED or not e.source),
        "the law again, of the net alone, on the positions of each source or by another measure; "
        "matched D: the amounts of games that own games come to within what was measured, of how "
        "many: where the one in the head is beyond them the law goes on; times the first: with "
        "the same draws of seeds; all measures by source are in compare.json",
    )  # fmt: skip


def _dependence_row(each: Dependence) -> tuple[str, ...]:
    games = [f"{match.games:,}" for match in each.matches if match.state == "matched"]
    told = f"{' to '.join(dict.fromkeys((games[0], games[-1])))}: " if games else ""
    source = each.source or "all"
    return (
        spell_metric(each.metric),
        f"{source} ({each.positions:,})" if each.positions else source,
        f"{told}{len(games)} of {len(each.matches)}",
        NONE if each.law is None else _compute(each.law.scale, 0.0, math.inf),
        NONE if math.isnan(each.ratio.value) else _exponent(each.ratio),
        NONE if each.law is None else _exponent(each.law.exponent),
    )


def _exponent(found: Interval) -> str:
    if math.isnan(found.low):
        return f"{found.value:.2f}"
    return f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})"
