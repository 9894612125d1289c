"""An exchange rate in one plain sentence."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from selfplay.compare.analysis.exchange import Exchange, Match
from selfplay.compare.analysis.exchange_law import ExchangeLaw
from selfplay.compare.analysis.sentence import is_perfect, kind_rank, spell_flops
from selfplay.compare.groups import spell_kind
from selfplay.stats import Interval


def order_exchanges(found: Sequence[Exchange]) -> tuple[Exchange, ...]:
    """The one of the sentence first: self-play, with a law, of perfect games, with the most D."""

    def rank(each: Exchange) -> tuple[int, ...]:
        matched = sum(match.state == "matched" for match in each.matches)
        words = each.law is None, not is_perfect(each.expert)
        return (kind_rank(each.curve.group.kind), *words, -matched, -len(each.curve.runs))

    return tuple(sorted(found, key=rank))


def write_exchange(found: Exchange) -> str:
    """The law, else C_match at the largest D that is matched; behind it what is beyond the ends."""
    parts = []
    if found.law is not None:
        law = found.law
        parts.append(
            f"{_takes(found, 'D', law.scale)} x (D / {law.reference:,})^"
            f"{law.exponent.value:.2f}{_spread(law.exponent)}"
        )
        parts += _beside(law)
    else:
        matched = [each for each in found.matches if each.state == "matched"]
        parts += [_takes(found, f"{each.games:,}", each.flops) for each in matched[-1:]]
    return "; ".join((*parts, *_beyond(found)))


def _takes(found: Exchange, games: str, flops: Interval) -> str:
    first, last = (spell_flops(float(end)) for end in found.curve.flops[[0, -1]])
    spread = ""
    if not math.isnan(flops.low):
        low = spell_flops(flops.low) if flops.low > 0 else f"below {first}"
        high = spell_flops(flops.high) if flops.high < math.inf else f"over {last}"
        spread = f" (95%: {low}-{high})"
    return (
        f"matching {name_games(found.expert, games)} takes {spell_kind(found.curve.group.kind)} "
        f"{spell_flops(flops.value)} {found.curve.unit}{spread}"
    )


def name_games(expert: str, games: str) -> str:
    """ "2,000 perfect games", "D games (solver, temperature 1)" """
    if is_perfect(expert):
        return f"{games} perfect games"
    return f"{games} games ({expert})" if expert else f"{games} games"


def _beside(law: ExchangeLaw) -> Iterator[str]:
    """What the two separate power laws say of the exponent."""
    if law.apart is None:
        return
    ratio, excess = law.apart.ratio, law.apart.excess
    words = f"alpha_D / alpha_C of two separate power laws is {ratio.value:.2f}{_spread(ratio)}"
    if math.isnan(excess.low):
        yield words
    elif excess.low <= 0 <= excess.high:
        yield f"{words}, which does not contradict it"
    else:
        yield f"{words}, for certain {'less' if excess.low > 0 else 'more'}"


def _beyond(found: Exchange) -> Iterator[str]:
    """Which D are not matched within what was measured."""
    kind, unit = spell_kind(found.curve.group.kind), found.curve.unit
    first, last = (spell_flops(float(end)) for end in found.curve.flops[[0, -1]])
    below = [each for each in found.matches if each.state == "below"]
    beyond = [each for each in found.matches if each.state == "beyond"]
    if below:
        what = f"{_list(below)} games teach"
        yield f"{kind} is no worse than {what} from {first} {unit} on, where it begins"
    if beyond:
        yield f"{kind} does not come to what {_list(beyond)} games teach within {last} {unit}"


def _list(matches: Sequence[Match]) -> str:
    return " or ".join(f"{each.games:,}" for each in matches)


def spell_exponent(found: Interval) -> str:
    """ "0.79 (95%: 0.63-1.02)", or the value alone where there is no interval."""
    return f"{found.value:.2f}" + ("" if math.isnan(found.low) else _spread(found))


def _spread(found: Interval) -> str:
    """The interval of an exponent."""
    if math.isnan(found.low):
        return " (no interval: it needs two seeds of each)"
    low, high = (f"{end:.2f}" if math.isfinite(end) else "unknown" for end in found[1:])
    return f" (95%: {low}-{high})" if found.low >= 0 else f" (95%: {low} to {high})"
