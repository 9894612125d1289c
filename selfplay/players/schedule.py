"""Who meets whom in a pool that is too large for everybody to meet everybody."""

from __future__ import annotations

from collections.abc import Collection, Sequence

Pair = tuple[int, int]  # players by rank, the smaller number first


def make_schedule(teams: Sequence[int], opponents: int, met: Collection[Pair] = ()) -> list[Pair]:
    """The pairs that are still to play, so that everybody meets ``opponents`` others or more.

    ``teams``: whom each player belongs to, best guess of strength first; none meets its own team.
    Half of the opponents are near in rank, half are spread over all ranks, and the matches connect
    all players.  ``met``: pairs that have played.  Where there are few players all meet all.
    Raises ValueError when all players are of one team.
    """
    if len(set(teams)) < 2:
        raise ValueError("a pool needs players of two kinds")
    meets: list[set[int]] = [set() for _ in teams]
    planned: list[Pair] = []

    def add(i: int, j: int) -> None:
        meets[i].add(j)
        meets[j].add(i)
        planned.append((min(i, j), max(i, j)))

    for i, j in met:
        meets[i].add(j)
        meets[j].add(i)
    for i in range(len(teams)):
        for j in _wished(teams, i, opponents):
            if len(meets[i]) >= opponents:
                break
            if j not in meets[i]:
                add(i, j)
    for i, j in _bridges(teams, meets):
        add(i, j)
    return sorted(planned)


def _wished(teams: Sequence[int], i: int, opponents: int) -> list[int]:
    """The others in the order in which ``i`` would like to meet them: one near, one far, ..."""
    near = sorted(
        (j for j in range(len(teams)) if teams[j] != teams[i]), key=lambda j: (abs(j - i), j)
    )
    step = len(near) / max(1, opponents // 2)
    spread = [near[int((k + 0.5) * step)] for k in range(opponents // 2)]
    turns = [j for pair in zip(near, spread, strict=False) for j in pair]
    return list(dict.fromkeys([*turns, *near]))


def _bridges(teams: Sequence[int], meets: Sequence[Collection[int]]) -> list[Pair]:
    """Pairs that join what the matches leave unconnected."""
    bridges: list[Pair] = []
    joined = _reached(meets, 0)
    while len(joined) < len(teams):
        outside = [j for j in range(len(teams)) if j not in joined]
        pairs = [(i, j) for i in joined for j in outside if teams[i] != teams[j]]
        i, j = min(pairs, key=lambda pair: (abs(pair[0] - pair[1]), pair))
        bridges.append((i, j))
        joined |= _reached(meets, j)
    return bridges


def _reached(meets: Sequence[Collection[int]], start: int) -> set[int]:
    """All players that matches connect with ``start``."""
    reached, new = {start}, [start]
    while new:
        new = [j for i in new for j in meets[i] if j not in reached]
        reached.update(new)
    return reached
