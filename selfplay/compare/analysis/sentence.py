"""The answer in one plain sentence."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from selfplay.compare.analysis.curves import Crossing, Curve, on_common_grid, why_empty
from selfplay.compare.groups import Group, spell_kind
from selfplay.compare.metrics import (
    lower_is_better,
    spell_metric,
    spell_number,
    unit_of_difference,
)
from selfplay.regimes import REGIMES
from selfplay.stats import Interval

_GAP = "\N{NO-BREAK SPACE}"
_PERFECT = ("solver", "solver, perfect", "solver, temperature 0")


def is_perfect(expert: str) -> bool:
    """Whether an expert plays moves that are no mistakes only."""
    return expert in _PERFECT


# of two regimes by the state of their crossing
_SENTENCES = {
    "crosses": "{us} overtakes {them} at {at} {unit} (95%: {ends}){cost}",
    "ahead": "{us} is better than {them} at every compute measured, {extent} {unit}{cost}; at the "
    "largest by {gap}",
    "behind": "{us} does not overtake {them} within {extent} {unit}{cost}: at the largest "
    "compute in common {them} is better by {gap}",
    "undecided": "whether {us} overtakes {them} within {extent} {unit} is not certain{cost}: at "
    "the largest compute in common its lead is {gap}",
    "unknown": "{us} overtakes {them} at {at} {unit}{cost}; {no_interval}",
}
# the same where no compute is known from which on the mean of the first is better
_WITHOUT_START = {
    "crosses": "{us} is ahead of {them} on the whole range of {extent} {unit}{cost}, and with "
    "probability over 0.975 from {at} {unit} on",
    "unknown": "{ahead} is ahead of {behind} at {last} {unit}{cost}; {no_interval}",
}
_EQUAL = "{us} and {them} are equal at {last} {unit}{cost}; {no_interval}"


def write_sentence(a: Curve, b: Curve, crossing: Crossing) -> str:
    """Where ``a`` overtakes ``b``, or what else can be said, with the interval if there is one."""
    us, them = name_group(a.group), name_group(b.group)
    if crossing.state == "apart":
        why = " once the seconds of expert and search are charged" if crossing.charged else ""
        return f"{us} and {them} have no compute in common{why}, so that nothing can be compared"
    gap = crossing.gap or Interval(crossing.lead, math.nan, math.nan)
    if crossing.state == "behind":
        gap = Interval(-gap.value, -gap.high, -gap.low)
    ahead, behind = (us, them) if crossing.lead > 0 else (them, us)
    sentences = _SENTENCES if crossing.flops else _SENTENCES | _WITHOUT_START
    equal = crossing.state == "unknown" and not crossing.flops and crossing.lead == 0
    return (_EQUAL if equal else sentences[crossing.state]).format(
        us=us,
        them=them,
        unit=a.unit,
        ahead=ahead,
        behind=behind,
        at=spell_flops(crossing.flops or crossing.sure or crossing.last),
        last=spell_flops(crossing.last),
        ends="-".join(spell_ends(crossing)),
        extent="-".join(dict.fromkeys(map(spell_flops, (crossing.first, crossing.last)))),
        gap=_spell_gap(gap, crossing.metric),
        cost=", the seconds of expert and search charged" if crossing.charged else "",
        no_interval="there is no interval, which needs two seeds of each",
    )


def write_alone(curve: Curve, curves: Sequence[Curve]) -> str:
    """What one regime reaches, where none of the other ``curves`` can be compared with it."""
    us, metric = name_group(curve.group), spell_metric(curve.metric)
    if curve.empty:
        return f"{us} was measured at too few points of compute to say anything: {why_empty(curve)}"
    spread = " (one seed, so there is no interval)"
    if curve.low is not None and curve.high is not None:
        spread = f" (95%: {curve.low[-1]:.3g}-{curve.high[-1]:.3g})"
    cost = ", the seconds of expert and search charged" if curve.charged else ""
    return (
        f"{us} comes to {metric} = {curve.mean[-1]:.3g}{spread} at {spell_flops(curve.flops[-1])} "
        f"{curve.unit}{cost}; {_no_rival(curve, curves)}"
    )


def _no_rival(curve: Curve, curves: Sequence[Curve]) -> str:
    """Why there is nothing to compare ``curve`` with."""
    others = [each for each in curves if each.group.kind != curve.group.kind]
    if not others:
        return "there is no other regime to compare it with"
    most = max(others, key=lambda each: each.group.data or 0)
    more = f" (nor {len(others) - 1} more)" if len(others) > 1 else ""
    return f"{name_group(most.group)}{more} cannot be compared with it, since {why_empty(most)}"


def choose_pair(curves: Sequence[Curve]) -> tuple[Curve, Curve] | None:
    """Self-play and the imitation of the most games, each the best at equal compute.

    Of self-play the best of those that have compute in common with the imitation, if any has.
    Where one of the two is missing, the nearest to it stands in; None for a single regime.
    """
    own = _first_kind(curves, OWN)
    rivals = [curve for curve in curves if own and curve.group.kind != own[0].group.kind]
    others = _first_kind(rivals, TAUGHT)
    if not others:
        return None
    other = _best_on_most(others)
    first, last = other.flops[[0, -1]]
    met = [curve for curve in own if curve.flops[0] <= last and first <= curve.flops[-1]]
    return best_at_equal_compute(met or own), other


def representatives(curves: Sequence[Curve]) -> list[Curve]:
    """One curve a regime, the pair of the sentence first: on the most data, the best of them.

    Curves of no points are left out.
    """
    chosen = {curve.group.kind: curve for curve in choose_pair(curves) or ()}
    for kind in dict.fromkeys(curve.group.kind for curve in curves if not curve.empty):
        if kind not in chosen:
            chosen[kind] = _best_on_most(_first_kind(curves, (kind,)))
    return [*chosen.values()]


# those that learn from their own games, and those that learn from what others know
OWN = tuple(kind for kind, regime in REGIMES.items() if not regime.taught)
TAUGHT = tuple(kind for kind, regime in REGIMES.items() if regime.taught)


def kind_rank(kind: str) -> int:
    """The place of a regime in tables and figures: own games first."""
    known = (*OWN, *TAUGHT)
    return known.index(kind) if kind in known else len(known)


def group_order(group: Group) -> tuple[object, ...]:
    """What tables and panels are sorted by: regime, expert, sizes, data."""
    sizes = group.maker_parameters or 0, group.parameters, group.data or 0
    return kind_rank(group.kind), group.kind, group.expert, *sizes


def name_group(group: Group) -> str:
    """A regime and its data in words: "imitation of 10,000 perfect games"."""
    words = spell_kind(group.kind)
    if group.maker_parameters is not None:
        return f"{words} games of a net of {group.maker_parameters:,} parameters"
    if not group.expert and group.games is None:
        return words
    perfect = "perfect " if is_perfect(group.expert) else ""
    if group.games is None:
        return f"{words} of {group.expert}"
    by = f" ({group.expert})" if group.expert and not perfect else ""
    return f"{words} of {group.games:,} {perfect}games{by}"


def brief(label: str) -> str:
    """A group's label with its sizes in symbols, in which no line breaks."""
    label = re.sub(r"made by ([\d,]+) parameters", rf"data by{_GAP}N{_GAP}={_GAP}\1", label)
    return re.sub(r"([\d,]+) parameters", rf"N{_GAP}={_GAP}\1", label)


def capital(sentence: str) -> str:
    """With a large letter at its beginning."""
    return sentence[:1].upper() + sentence[1:]


def spell_flops(flops: float) -> str:
    """3.1e14, or 120 where there are no more."""
    if 0.01 <= flops < 1e4:
        return f"{flops:.3g}"
    mantissa, _, exponent = f"{flops:.1e}".partition("e")
    return f"{mantissa}e{int(exponent)}"


def spell_ends(crossing: Crossing) -> tuple[str, str]:
    """The ends of the interval of a crossing: "below 1.0e12" where it leaves the common range."""
    low = spell_flops(crossing.low) if crossing.low else f"below {spell_flops(crossing.first)}"
    high = spell_flops(crossing.high) if crossing.high else f"over {spell_flops(crossing.last)}"
    return low, high


def _spell_gap(gap: Interval, metric: str) -> str:
    """A difference in the metric with its interval: points of a hundred for shares."""
    value, low, high = (spell_number(each, metric) for each in gap)
    return f"{value} {unit_of_difference(metric)} of {spell_metric(metric)} (95%: {low} to {high})"


def _first_kind(curves: Sequence[Curve], kinds: Sequence[str]) -> list[Curve]:
    """The curves with points of the first kind there is, of ``kinds`` or else of any."""
    order = [*kinds, *sorted({curve.group.kind for curve in curves})]
    of_kinds = ([c for c in curves if c.group.kind == kind and not c.empty] for kind in order)
    return next(filter(None, of_kinds), [])


def _best_on_most(curves: Sequence[Curve]) -> Curve:
    """Of those that learn from the most data, the best at equal compute."""
    most = max(curve.group.data or 0 for curve in curves)
    return best_at_equal_compute([c for c in curves if (c.group.data or 0) == most])


def best_at_equal_compute(curves: Sequence[Curve]) -> Curve:
    """The curve that is better than most others at the largest compute in common with each.

    Ties go to the one that goes on longest.
    """
    wins = [sum(_leads(one, other) for other in curves if other is not one) for one in curves]
    ends = [float(curve.flops[-1]) for curve in curves]
    return curves[max(range(len(curves)), key=lambda i: (wins[i], ends[i]))]


def _leads(one: Curve, other: Curve) -> bool:
    """Whether ``one`` is better at the largest compute in common; False where there is none."""
    one, other = on_common_grid(one, other)
    sign = -1 if lower_is_better(one.metric) else 1
    return not one.empty and bool(sign * (one.mean[-1] - other.mean[-1]) > 0)
