"""Does the prior move where the search pushed it: planted pushes found again, and none without."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from test_compare_curves import group_of, run_of

from selfplay.compare.analysis.pushes import Push, search_pushes
from selfplay.compare.groups import Group
from selfplay.compare.records import F64
from selfplay.compare.redraws import Redraws
from selfplay.compare.sources import Sources
from selfplay.measure.answers import Answers

DIGEST = "0" * 16
MOVES = 7
FOLLOW, THIRD, CHANGE = 0.4, 0.02, 0.01  # of a search's move; of each other one, pushed and not
MEND = 0.2  # of mistakes that a search did not make, beyond what is mended anyway


def group_with(seeds: list[list[Answers]]) -> Group:
    flops = np.geomspace(1e11, 1e13, len(seeds[0]))
    runs = []
    for seed, measured in enumerate(seeds):
        run = run_of(flops, {}, seed)
        redraws = Redraws(DIGEST, answers=dict(enumerate(measured)))
        runs.append(run._replace(points=run.points._replace(redraws=redraws)))
    return group_of("a", runs)


def sources(count: int) -> Sources:
    """Of four sets in turn."""
    set_index = np.resize(np.arange(4, dtype=np.int32), count)
    return Sources(DIGEST, ("a", "b", "c", "d"), set_index, np.full(count, MOVES))


def asked(group: Group, known: Sources | None) -> dict[str, Push]:
    return {push.kind: push for push in search_pushes([group], known)}


def answers_of(
    wrong: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    mass: tuple[F64, F64],
    moves: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None,
) -> Answers:
    """Of net and search."""
    players = "net", "search"
    shares = {p: m.astype(np.float32) for p, m in zip(players, mass, strict=True)}
    played = {}
    if moves is not None:
        played = {p: m.astype(np.uint16) for p, m in zip(players, moves, strict=True)}
    return Answers(DIGEST, dict(zip(players, wrong, strict=True)), shares, played)


def movers(rng: np.random.Generator, count: int, searched: int, measured: int) -> list[Answers]:
    """A net that goes to its search's move with FOLLOW; the first move is the only right one."""
    net, found = rng.integers(MOVES, size=count), []
    for _ in range(measured):
        other = (net + rng.integers(1, MOVES, size=count)) % MOVES
        search = np.where(rng.random(count) < 0.5, net, other)
        mass = rng.random(count)
        wrong = net != 0, search[:searched] != 0
        found.append(answers_of(wrong, (mass, mass[:searched]), (net, search[:searched])))
        pushed, at = search != net, rng.random(count)
        third = (net + rng.integers(1, MOVES, size=count)) % MOVES
        # with THIRD and CHANGE to each particular one, the search's own left aside
        elsewhere = np.where(pushed, at < FOLLOW + THIRD * (MOVES - 1), at < CHANGE * (MOVES - 1))
        elsewhere &= third != np.where(pushed, search, -1)
        net = np.where(pushed & (at < FOLLOW), search, np.where(elsewhere, third, net))
    return found


def test_moves_that_are_followed_are_told() -> None:
    """Of 600 positions the first 400 were searched: 100 of each set."""
    rng = np.random.default_rng(0)
    group = group_with([movers(rng, 600, 400, 6) for _ in range(3)])
    found = asked(group, sources(600))
    moves, changes = found["moves"], found["changes"]
    assert (moves.seeds, moves.positions) == (3, 400)
    assert moves.cases == pytest.approx(3 * 5 * 400 / 2, rel=0.05)
    for each, without in ((moves, THIRD), (changes, CHANGE)):
        assert each.followed.low <= FOLLOW <= each.followed.high
        assert each.without.low <= without <= each.without.high
        assert each.difference.low <= FOLLOW - without <= each.difference.high
        assert each.difference.high - each.difference.low < 0.06
    assert moves.flops == pytest.approx(np.geomspace(1e11, 1e13, 6)[:-1])
    assert moves.followed_at == pytest.approx(np.full(5, FOLLOW), abs=0.08)
    assert moves.without_at == pytest.approx(np.full(5, THIRD), abs=0.02)


def test_without_moves_or_their_number_mistakes_are_told() -> None:
    seeds = [movers(np.random.default_rng(0), 200, 200, 3)]
    assert asked(group_with(seeds), sources(200)).keys() == {
        "moves", "changes", "mended", "spoiled", "mass",
    }  # fmt: skip
    assert "moves" not in asked(group_with(seeds), None)
    older = [[each._replace(moves={}) for each in measured] for measured in seeds]
    assert asked(group_with(older), sources(200)).keys() == {"mended", "spoiled", "mass"}
    few = [movers(np.random.default_rng(0), 200, 100, 3)]
    assert asked(group_with(few), None) == {}  # it is not known which were searched
    assert asked(group_with([measured[:1] for measured in seeds]), sources(200)) == {}


def menders(
    rng: np.random.Generator, count: int, measured: int, push: Callable[[F64], F64]
) -> list[Answers]:
    """What the net nearly knows its search knows too, and the net itself soon, push or not."""
    wrong, found = np.ones(count, np.bool_), []
    for _ in range(measured):
        mass = rng.random(count)
        search_wrong = rng.random(count) > mass
        found.append(answers_of((wrong, search_wrong), (mass, mass)))
        mended = rng.random(count) < 0.4 * mass + push(mass) * ~search_wrong
        # what is right becomes wrong again, so that there always are cases
        wrong = np.where(wrong, ~mended, rng.random(count) < 0.5)
    return found


@pytest.mark.parametrize("push", [0.0, MEND])
def test_what_is_mended_anyway_is_no_push(push: float) -> None:
    """Without weights 0.13 more are mended where the search was right: those nearer to it."""
    rng = np.random.default_rng(1)
    seeds = [menders(rng, 1500, 6, lambda _: np.full(1500, push)) for _ in range(2)]
    mended = asked(group_with(seeds), None)["mended"]
    assert mended.difference.low <= push <= mended.difference.high
    assert mended.difference.high - mended.difference.low < 0.08
    now = [measured[t] for measured in seeds for t in range(5)]
    then = [measured[t + 1] for measured in seeds for t in range(5)]
    erred = np.concatenate([each.mistakes["net"] for each in now])
    right = ~np.concatenate([each.mistakes["search"] for each in now])
    next_right = ~np.concatenate([each.mistakes["net"] for each in then])
    plain = next_right[erred & right].mean() - next_right[erred & ~right].mean()
    assert plain > mended.difference.high
    assert mended.cases == (erred & right).sum()


def test_what_another_seeds_search_moved_is_no_push() -> None:
    """Both searches know what is easy; the net takes on 0.3 of what its own moved."""
    rng, count, share = np.random.default_rng(2), 1000, 0.3
    ease = rng.random((5, count))
    seeds = []
    for _ in range(3):
        mass, found = 0.5 * rng.random(count), []
        for at in range(5):
            search = 0.5 * ease[at] + 0.5 * rng.random(count)
            never = np.zeros(count, np.bool_)
            found.append(answers_of((never, never), (mass, search)))
            mass = 0.3 * mass + share * search + 0.2 * ease[at] + 0.1 * rng.random(count)
        seeds.append(found)
    (moved,) = asked(group_with(seeds), None).values()
    assert moved.kind == "mass"
    assert moved.difference.low <= share <= moved.difference.high
    assert moved.difference.high - moved.difference.low < 0.05
    assert moved.followed.low > share  # some of it would have come anyway
    assert moved.without.low > 0
    (alone,) = asked(group_with(seeds[:1]), None).values()
    assert np.isnan(alone.without.value)
    assert alone.followed.low > share


def test_seeds_without_a_measurement_in_common_tell_no_slope() -> None:
    """Each beside nobody: what is of one seed alone is still told."""
    seeds = [movers(np.random.default_rng(seed), 200, 200, 6) for seed in range(2)]
    group = group_with(seeds)
    for run, kept in zip(group.runs, ((0, 1, 2), (3, 4, 5)), strict=True):
        answers = run.points.redraws.answers
        for place in answers.keys() - set(kept):
            del answers[place]
    found = asked(group, sources(200))
    assert found.keys() == {"moves", "changes", "mended", "spoiled"}
    assert found["moves"].seeds == 2


def test_intervals_hold_what_was_planted() -> None:
    held = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        group = group_with([movers(rng, 200, 200, 4) for _ in range(2)])
        difference = asked(group, sources(200))["moves"].difference
        held += difference.low <= FOLLOW - THIRD <= difference.high
    assert held >= 35
