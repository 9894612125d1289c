"""One pool in which all regimes play each other: Elo, and the mistakes in their own games.

``pool.json`` in the folder of the runs keeps every match, so that a pool that was interrupted goes
on and later runs join it without a game played twice; what follows from the matches lies beside
them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from selfplay.compare.analysis.bootstrap import seed_spread
from selfplay.compare.analysis.dependent import Tally, add, shares
from selfplay.compare.json_values import as_plain
from selfplay.compare.records import F64
from selfplay.players.arena import Match, Results, rating_posterior
from selfplay.system.files import write_text_atomically
from selfplay.system.text import read_object

FILE = "pool.json"


class Pool(NamedTuple):
    """P players: groups of runs that differ in their seed, and anchors that are no runs.

    The Elo of a group is the mean over its runs, each of which plays for itself; 0 is the mean of
    the groups.  Its interval holds the chance of openings and games, and of the seeds, whose spread
    is learned from all groups that have several.  Own mistakes are counted on a sample of the
    positions in which a player was to move, different ones, by the solver of the game; games from
    one opening depend on each other, see dependent.py.
    """

    labels: tuple[str, ...]  # as Group.label, or the name of an anchor
    elo: F64  # [P]
    low: F64  # [P] ends of the 95% interval
    high: F64  # [P]
    games: int  # a pair of runs that met
    simulations: int  # a move, of the runs; 0: the nets alone
    score: F64  # [P, P] share of the points of the row against the column; NaN: they did not meet
    own_mistake_rate: F64  # [P] in the games they played; NaN where unknown
    own_low: F64  # [P]
    own_high: F64  # [P]


class Entrant(NamedTuple):
    """One that plays: a run's last checkpoint, or an anchor."""

    identity: str  # another one where the checkpoint is another one
    label: str  # of its group
    anchor: bool


class Meeting(NamedTuple):
    """The games of a and b, from the openings of the pool in order."""

    a: str  # identities
    b: str
    results: Results  # [G, 2] i8, as in arena.Match
    own: tuple[Tally, Tally] = (Tally(), Tally())  # mistakes in a's moves and in b's, by opening


def read_pool(folder: Path) -> Pool | None:
    """The pool that was played in a folder of runs; None where there is none, or none yet.

    Raises ValueError with a sentence when its file is damaged.
    """
    content = _read_file(folder).get("pool")
    if content is None:
        return None
    try:
        columns = {name: content[name] for name in Pool._fields}
        for name in ("elo", "low", "high", "score", "own_mistake_rate", "own_low", "own_high"):
            columns[name] = np.array(columns[name], np.float64)  # null becomes NaN
        columns["labels"] = tuple(columns["labels"])
        return Pool(**columns)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{folder / FILE} is damaged ({error}); remove it") from error


def _read_file(folder: Path) -> dict[str, Any]:
    """The content of ``pool.json``; empty where there is none."""
    path = folder / FILE
    if not path.exists():
        return {}
    try:
        return read_object(path)
    except ValueError as error:
        raise ValueError(f"{error}; remove it") from error


def read_meetings(folder: Path, terms: dict[str, Any]) -> list[Meeting]:
    """The matches that were played in a folder.

    Raises ValueError, quoting both, when they were played on other terms than ``terms``.
    """
    content = _read_file(folder)
    if not content:
        return []
    try:
        for name, value in terms.items():
            if content["terms"][name] != value:
                raise ValueError(
                    f"{folder / FILE} holds games played with {name} = "
                    f"{content['terms'][name]!r}; you asked for {value!r}: ask for the same, or "
                    f"move the file away to play all anew"
                )
        meetings = []
        for each in content["matches"]:
            results = np.array(each["results"], np.int8).reshape(-1, 2)
            own = Tally(*map(int, each["own"][0])), Tally(*map(int, each["own"][1]))
            meetings.append(Meeting(str(each["a"]), str(each["b"]), results, own))
        return meetings
    except (KeyError, IndexError, TypeError) as error:
        raise ValueError(f"{folder / FILE} is damaged ({error}); remove it") from error


def write_pool(
    folder: Path, terms: dict[str, Any], meetings: Sequence[Meeting], pool: Pool | None
) -> None:
    """Writes ``pool.json``, or leaves what was there."""
    matches = [{**each._asdict(), "own": [list(own) for own in each.own]} for each in meetings]
    content = {"terms": terms, "pool": pool, "matches": matches}
    text = json.dumps(as_plain(content), allow_nan=False)
    write_text_atomically(folder / FILE, text + "\n")


def rate(
    entrants: Sequence[Entrant], meetings: Sequence[Meeting], games: int, simulations: int
) -> Pool:
    """What the meetings of ``entrants`` among ``meetings`` say; they connect all of them."""
    known = {each.identity: i for i, each in enumerate(entrants)}
    counted = [each for each in meetings if each.a in known and each.b in known]
    labels = tuple(dict.fromkeys(each.label for each in entrants))
    group = np.array([labels.index(each.label) for each in entrants])
    elo, draws = _group_elo(entrants, counted, group)
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)
    own = shares([_own(counted, entrants, label) for label in labels])
    return Pool(
        labels,
        elo,
        np.minimum(low, elo),
        np.maximum(high, elo),
        games,
        simulations,
        _scores(counted, known, group),
        *(np.array(column) for column in zip(*own, strict=True)),
    )


def _group_elo(
    entrants: Sequence[Entrant], meetings: Sequence[Meeting], group: np.ndarray[Any, Any]
) -> tuple[F64, F64]:
    """Elo [P] of the groups and draws of it [POSTERIOR, P]."""
    rated = rating_posterior([Match(each.a, each.b, each.results) for each in meetings])
    order = [rated.names.index(each.identity) for each in entrants]
    member = group == np.arange(group.max() + 1)[:, None]  # [P, R]
    share = member / member.sum(axis=1, keepdims=True)
    elo = share @ rated.elo[order]
    draws = rated.samples[:, order] @ share.T
    trained = sorted({int(g) for g, each in zip(group, entrants, strict=True) if not each.anchor})
    zero = trained or list(range(len(member)))
    if len(group) > len(member):  # some group has seeds to learn the spread of seeds from
        rng, count = np.random.default_rng(0), member.sum(axis=1)[trained]
        spread = seed_spread(rated.elo[order], rated.samples[:, order], group, rng)
        normal = rng.standard_normal((len(draws), len(trained)))
        draws[:, trained] += normal * spread[:, None] / np.sqrt(count)
    return elo - elo[zero].mean(), draws - draws[:, zero].mean(axis=1, keepdims=True)


def _scores(meetings: Sequence[Meeting], known: dict[str, int], group: np.ndarray[Any, Any]) -> F64:
    """[P, P] shares of points between groups."""
    points, games = np.zeros((2, int(group.max()) + 1, int(group.max()) + 1))
    for each in meetings:
        a, b = group[known[each.a]], group[known[each.b]]
        won = float((1 + each.results.astype(np.float64)).sum() / 2)
        for row, column, share in ((a, b, won), (b, a, each.results.size - won)):
            points[row, column] += share
            games[row, column] += each.results.size
    with np.errstate(invalid="ignore"):
        shares: F64 = points / games
    return shares


def _own(meetings: Sequence[Meeting], entrants: Sequence[Entrant], label: str) -> list[Tally]:
    """The mistakes of each run of a group, in the moves that the solver knew."""
    tallies = []
    for member in (each.identity for each in entrants if each.label == label):
        judged = [own for each in meetings for who, own in zip(each[:2], each.own, strict=True)
                  if who == member]  # fmt: skip
        tallies.append(add(judged))
    return tallies
