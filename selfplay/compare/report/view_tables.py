"""Tables of what is told beside strength against compute: passes, searches, seeds, likeness."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from selfplay.compare.analysis.one_pass import OnePass, SizePass
from selfplay.compare.analysis.plane import SearchPlane
from selfplay.compare.analysis.pushes import Push
from selfplay.compare.analysis.seeds import SeedSpread
from selfplay.compare.analysis.sentence import brief, representatives, spell_flops
from selfplay.compare.analysis.similarity import Similarity
from selfplay.compare.comparison import Comparison
from selfplay.compare.groups import differs_in_search
from selfplay.compare.report.table import NONE, Table
from selfplay.stats import Interval


def view_tables(comparison: Comparison) -> tuple[Table, ...]:
    """All of them; those that have nothing to say have no rows."""
    chief = {curve.label for curve in representatives(comparison.views[0].free.curves)}
    trained = {g.label for g in comparison.groups if differs_in_search(g, comparison.groups)}
    return (
        *(one_pass_table(each) for each in comparison.one_passes),
        *(stocks_table(each) for each in comparison.one_passes),
        planes_table(comparison.planes),
        pushes_table(comparison.pushes, chief | trained),
        seeds_table(comparison.seeds),
        similarity_table(comparison.similarities, chief),
    )


def one_pass_table(passes: OnePass) -> Table:
    """One row a size of the net."""
    exponent = passes.exponent
    title = f"One pass against L(D): {brief(passes.label)}"
    if not math.isnan(exponent.value):
        title += f"; E* ~ N^{_with_ends(exponent, '{:.2f}')}"
    return Table(
        title,
        (
            "N", "near L(D) from E", "leaves it at E* (95%)", "converged", "slope",
            "stop at E (95%)", "best at FLOPs", "above converged",
        ),
        tuple(_size_row(each) for each in passes.sizes),
        "E: samples in one pass; near: within 10%; L(D): the least loss of the net of "
        f"{passes.reference:,} parameters in any number of passes through D positions, of "
        f"{passes.data[0]:,.0f} to {passes.data[-1]:,.0f}; E*: from here on one pass stays 10% "
        "above it; converged: the least loss on the most data, in nats; slope: d ln L / d ln E "
        "over the last half-decade, near 0 where it has converged; stop: within 10% of the "
        "converged loss; best: where no other size has a lower loss, and how far from its "
        "converged one it is at both ends (Kaplan et al. 2020, appendix B.2: about 10%)",
    )  # fmt: skip


def stocks_table(passes: OnePass) -> Table:
    """One row a stock."""
    return Table(
        f"What repetition is worth: {brief(passes.label)}, N = {passes.reference:,}",
        ("D", "L(D)", "at pass", "as new until pass (95%)", "worth (95%)"),
        tuple(
            (
                f"{each.data:,.0f}", f"{each.least:.4g}", f"{each.passes:.1f}",
                _passes(each.as_new), _passes(each.worth),
            )
            for each in passes.stocks
        ),
        "L(D): the least loss in any number of passes through D positions; as new: until then the "
        "loss is within 10% of that after as many new positions, each seen once; worth: new "
        "positions that teach as much as L(D), for each of the stock",
    )  # fmt: skip


def _passes(number: Interval) -> str:
    """Passes, or positions for each: "11.4 (10.1 to 12.0)"; beyond what was looked at ">"."""
    words = [">" if math.isinf(each) else f"{each:.3g}" for each in number]
    if math.isnan(number.value):
        return NONE
    value, low, high = words
    return value if math.isnan(number.low) or low == high else f"{value} ({low} to {high})"


def _size_row(size: SizePass) -> tuple[str, ...]:
    best = "-".join(map(spell_flops, size.best)) if size.best else NONE
    excess = " to ".join(f"{100 * each:.0f}%" for each in size.excess) if size.excess else NONE
    return (
        f"{size.parameters:,}", _place(size.meets.value), _start(size.leaves),
        f"{size.converged:.4g}",
        NONE if math.isnan(size.falling) else f"{size.falling:+.3f}", _start(size.stop), best,
        excess,
    )  # fmt: skip


def _start(start: Interval) -> str:
    """From where on, with its interval: "2.1e4 (1.5e4 to 3.0e4)"."""
    if math.isnan(start.value):
        return NONE
    value, low, high = map(_place, start)
    return value if math.isnan(start.low) or low == high else f"{value} ({low} to {high})"


def _place(at: float) -> str:
    if math.isnan(at):
        return NONE
    if math.isinf(at):
        return "never"
    if at == 0:
        return "the start"
    return f"{float(f'{at:.2g}'):,.0f}" if at < 1e6 else spell_flops(at)


def planes_table(planes: Sequence[SearchPlane]) -> Table:
    """One row a group."""
    return Table(
        "Training against search at equal strength",
        (
            "group", "slope (95%)", "10 x training for", "by training", "by search", "error",
            "searches",
        ),
        tuple(
            (
                brief(each.label), _with_ends(each.slope, "{:.2f}"),
                f"{10 ** -each.slope.value:.3g} x search", f"{each.training:+.2f}",
                f"{each.testing:+.2f}", f"{each.error:.2f}",
                f"{each.simulations.min():.0f} to {each.simulations.max():.0f}",
            )
            for each in planes
        ),
        "slope: d log FLOPs a move / d log FLOPs of training on lines of equal mistake rate "
        "(Jones 2021: -1.2 in Hex), by a plane fitted to the log-odds of mistakes over the last "
        "two decades of training and the searches of strength.ladder; a move costs a position for "
        "each simulation and one for the root; by training, by search: log-odds a factor of ten; "
        "error: root of the mean squared error of log-odds",
    )  # fmt: skip


PUSHED = {
    "moves": "another move, a third one",
    "changes": "another move, where it agreed",
    "mended": "no mistake, the net erred",
    "spoiled": "a mistake, the net did not",
    "mass": "probability moved",
}


def pushes_table(pushes: Sequence[Push], chief: Collection[str]) -> Table:
    """One row a question and group of ``chief``; the other groups are in compare.json."""
    return Table(
        "Does the prior move where the search pushed it?",
        (
            "group: its search chose", "cases", "the net follows (95%)",
            "without a push (95%)", "difference (95%)",
        ),
        tuple(
            (
                f"{brief(each.label)}: {PUSHED[each.kind]}", f"{each.cases:,}",
                *(_percent(part) for part in (each.followed, each.without, each.difference)),
            )
            for each in pushes if each.label in chief
        ),
        "the net alone at the next measurement; without a push: how often it goes to any "
        "particular third move there; to any particular other move where the search agreed; where "
        "the search erred, or did not, as the net did, weighed to equal probability of moves that "
        "are no mistakes; of probability moved: the share of it that is found in the net next, and "
        "the same of what another seed's search moved, with both in one regression; intervals are "
        "of the positions, for these runs",
    )  # fmt: skip


def _percent(interval: Interval) -> str:
    return _with_ends(Interval(*(100 * each for each in interval)), "{:.1f}")


def seeds_table(spreads: Sequence[SeedSpread]) -> Table:
    """One row a group."""
    return Table(
        "Spread over seeds: mistakes of the net alone",
        ("group", "seeds", "mistakes", "spread", "if independent", "variances (95%)", "worth"),
        tuple(
            (
                brief(each.label), str(each.seeds), f"{100 * each.rate:.2f}%",
                f"{100 * each.spread:.2f}", f"{100 * each.independent:.2f}",
                _with_ends(each.ratio, "{:.3g}"), f"{each.positions / each.ratio.value:,.0f}",
            )
            for each in spreads
        ),
        "spread: standard deviation over seeds in points, and the one that independent positions, "
        "each as hard as it is, would leave; variances: the square of the first over that of the "
        "second: 1 where each seed throws each position anew, more where many are got right or "
        "wrong together; worth: so many independent positions",
    )  # fmt: skip


def similarity_table(similarities: Sequence[Similarity], chief: Collection[str]) -> Table:
    """One row for each group, then one for every two of the ``chief`` ones."""
    rows = [each for each in similarities if each.a == each.b]
    rows += [each for each in similarities if each.a != each.b and {each.a, each.b} <= {*chief}]
    return Table(
        "Order of learning and agreement: the net alone",
        ("runs", "pairs", "order (95%)", "agreement (95%)", "mistakes in common", "by chance"),
        tuple(
            (
                f"{brief(each.a)}: seeds" if each.a == each.b
                else f"{brief(each.a)} and {brief(each.b)}",
                str(each.pairs), _with_ends(each.order, "{:.2f}"),
                _with_ends(each.agreement, "{:.2f}"), f"{100 * each.shared:.0f}%",
                f"{100 * each.chance:.0f}%",
            )
            for each in rows
        ),
        "order: rank correlation of when each position is solved for good; agreement: Cohen's "
        "kappa of the mistakes, the weaker run at its end and the other where it was as strong: 0 "
        "as by chance, 1 the same mistakes whatever the way; mistakes in common: share of the "
        "mistakes of one that the other makes too, and what it would be by chance; positions on "
        "which no run ever erred are left out; of several groups of a regime one is set beside the "
        "others: all pairs are in compare.json",
    )  # fmt: skip


def _with_ends(interval: Interval, form: str) -> str:
    """A value with its interval if there is one: "0.74 (0.61 to 0.90)"."""
    value, low, high = (form.format(each) for each in interval)
    if math.isnan(interval.value):
        return NONE
    return value if math.isnan(interval.low) else f"{value} ({low} to {high})"
