"""Matches between players: seats swapped, openings varied, scores and Elo with intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfplay.arrays import concatenate, length, put, take
from selfplay.lines.openings import Openings, distinct_openings, enough_plies
from selfplay.players.match_games import MatchGames
from selfplay.stats import Interval
from selfplay.types import Bool, Game, Int, Player, State

PAIR_SCORES = np.array([0.0, 0.25, 0.5, 0.75, 1.0])  # what a pair of games can yield
PRIOR = 0.2  # pseudo-pairs of each score: as if every match had one more pair, of mean 1/2
DRAWS = 2000  # from the posterior, for intervals
AT_ONCE = 1 << 22  # numbers that draws of ratings take up, each as large as players times matches
ELO_SCALE = 400 / float(np.log(10))  # Elo points a logit

Results = NDArray[np.int8]


class Match(NamedTuple):
    """P openings, each played twice by the players a and b."""

    a: str
    b: str
    results: Results  # [P, 2] i8, +1 a won, 0 draw, -1 b won; column 0: a had the first seat


class Ratings(NamedTuple):
    """Elo of K players, above the anchor's."""

    names: tuple[str, ...]
    elo: tuple[Interval, ...]
    anchor: str


def tournament(
    game: Game,
    players: Sequence[Player],
    pairs: int,
    plies: int,
    seed: int,
    batch: int = 256,
    watch: MatchGames | None = None,
) -> list[Match]:
    """Everyone against everyone: ``pairs`` openings of ``plies`` random moves, seats swapped.

    More random moves where these vary too little: see openings.enough_plies.
    The openings are the same in all matches.  ``batch`` games run in lockstep; ``watch`` is told
    of every move.  Players of the
    same name are told apart by a number.  Raises ValueError unless the game is for two
    players and there are two of them.
    """
    if game.num_players != 2:
        raise ValueError(
            f"a match needs a game for two players; {game.name} has {game.num_players}"
        )
    if len(players) < 2 or pairs < 1:
        raise ValueError(
            f"a match needs two players and one pair of games; got {len(players)} players and "
            f"{pairs} pairs"
        )
    opening_seed, *seeds = np.random.SeedSequence(seed).spawn(1 + len(players) ** 2)
    plies = enough_plies(game, pairs, plies)
    openings = distinct_openings(game, pairs, plies, np.random.default_rng(opening_seed))
    matches = []
    for (i, j), match_seed in zip(combinations(range(len(players)), 2), seeds, strict=False):
        rng = np.random.default_rng(match_seed)
        a, b = _label(players, i), _label(players, j)
        if watch is not None:
            watch.begin(openings)
        results = play_pairs(game, players[i], players[j], openings, rng, batch, watch)
        if watch is not None:
            watch.end(a, b, results)
        matches.append(Match(a, b, results))
    return matches


def play_pairs(
    game: Game,
    a: Player,
    b: Player,
    openings: Openings,
    rng: np.random.Generator,
    batch: int = 256,
    watch: MatchGames | None = None,
) -> Results:
    """[P, 2] i8, a's results from P openings: with the first seat, and with the second."""
    at_once = max(1, batch // 2)
    parts = []
    for start in range(0, length(openings), at_once):
        twice = take(openings, np.repeat(np.arange(length(openings))[start : start + at_once], 2))
        seats = _swapped(length(twice), 0, 1)
        moved = None if watch is None else partial(_tell, watch, 2 * start)
        results = _play(game, (a, b), twice.state, twice.second, seats, rng, moved)
        parts.append(results.reshape(-1, 2))
    return np.concatenate(parts)


def play_side_by_side(
    game: Game,
    players: Sequence[Player],
    pairs: Sequence[tuple[int, int]],
    openings: Sequence[Openings],
    rng: np.random.Generator,
) -> list[Results]:
    """The results of several matches at once, as from ``play_pairs``, so that batches are large.

    ``pairs``: numbers of the players of each match.
    """
    twice = [take(each, np.repeat(np.arange(length(each)), 2)) for each in openings]
    seats = [_swapped(length(each), a, b) for each, (a, b) in zip(twice, pairs, strict=True)]
    state, second = concatenate([(each.state, each.second) for each in twice])
    results = _play(game, players, state, second, concatenate(seats), rng)
    ends = np.cumsum([length(each) for each in twice])
    return [part.reshape(-1, 2) for part in np.split(results, ends[:-1])]


def score(match: Match) -> Interval:
    """a's mean points a game (win 1, draw 1/2) with its 95% credible interval.

    The two games of an opening are one observation, since they are not independent: the interval
    is that of the mean under a Dirichlet posterior over the five scores a pair can have.
    """
    points = (1 + match.results.mean()) / 2
    posterior = _posterior_points(match, np.random.default_rng(0))
    low, high = np.quantile(posterior, [0.025, 0.975])
    return Interval(float(points), min(float(low), points), max(float(high), points))


class Draws(NamedTuple):
    """Elo of K players, of mean 0, with draws from their posterior."""

    names: tuple[str, ...]
    elo: NDArray[np.float64]  # [K] of largest likelihood
    draws: NDArray[np.float64]  # [DRAWS, K]


def ratings(matches: Sequence[Match], anchor: str | None = None) -> Ratings:
    """Elo by Bradley-Terry (a draw is half a win), 0 for ``anchor`` (default: the first player).

    Prior: every match counts one more pair of games, drawn, so that no rating is infinite.
    Intervals (95%) come from the posteriors of the matches, see ``score``.
    Raises ValueError when no player is called ``anchor``.
    """
    rated = rating_draws(matches)
    names = rated.names
    anchor = names[0] if anchor is None else anchor
    if anchor not in names:
        raise ValueError(f"there is no player {anchor!r} to anchor Elo at; known: {names}")
    zero = names.index(anchor)
    value = rated.elo - rated.elo[zero]
    low, high = np.quantile(rated.draws - rated.draws[:, zero, None], [0.025, 0.975], axis=0)
    elo = tuple(Interval(*map(float, row)) for row in zip(value, low, high, strict=True))
    return Ratings(names, elo, anchor)


def rating_draws(matches: Sequence[Match]) -> Draws:
    """The same with whole draws, for what is computed of several ratings; in order of appearance.

    Not all players need have met, but the matches connect them.
    """
    names = tuple(dict.fromkeys(name for match in matches for name in (match.a, match.b)))
    number = {name: i for i, name in enumerate(names)}
    first = np.array([number[match.a] for match in matches])
    second = np.array([number[match.b] for match in matches])
    games = np.array([2.0 + match.results.size for match in matches])
    points = np.array([1.0 + (1 + match.results.astype(float)).sum() / 2 for match in matches])
    rng = np.random.default_rng(0)
    shares = np.stack([_posterior_points(match, rng) for match in matches], axis=1)
    value = bradley_terry(first, second, points, games, len(names))
    at_once = max(1, AT_ONCE // (len(names) * len(matches)))  # draws
    parts = [
        bradley_terry(first, second, shares[i : i + at_once] * games, games, len(names))
        for i in range(0, DRAWS, at_once)
    ]
    return Draws(names, value, np.concatenate(parts))


def bradley_terry(
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    points: NDArray[np.float64],
    games: NDArray[np.float64],
    players: int,
) -> NDArray[np.float64]:
    """[..., K] f64, the Elo of largest likelihood, of mean 0, for points [..., M].

    Match m: player ``first[m]`` took ``points[..., m]`` of ``games[m]`` against ``second[m]``,
    neither none nor all of them; the matches connect all players.  By Newton's method.
    """
    design = np.zeros((len(first), players))
    design[np.arange(len(first)), first] = 1.0
    design[np.arange(len(first)), second] = -1.0
    strength = np.zeros((*points.shape[:-1], players))
    for _ in range(100):
        expected = 1 / (1 + np.exp(-strength @ design.T))
        slope = (points - games * expected) @ design
        weight = games * expected * (1 - expected)
        # adding 1 everywhere makes the curvature regular and keeps the mean of each step at 0
        curvature = 1 + (design.T * weight[..., None, :]) @ design
        step = np.linalg.solve(curvature, slope[..., None])[..., 0]
        strength += step / np.maximum(1.0, np.abs(step).max(axis=-1, keepdims=True))
        if np.abs(step).max() < 1e-10:
            break
    elo: NDArray[np.float64] = strength * ELO_SCALE
    return elo


def match_json(matches: Sequence[Match], anchor: str | None = None) -> dict[str, object]:
    """The object that ``match --json`` prints."""
    pairs = []
    for match in matches:
        points = score(match)
        counts = {
            "wins": int((match.results == 1).sum()),
            "draws": int((match.results == 0).sum()),
            "losses": int((match.results == -1).sum()),
        }
        interval = {"score": points.value, "low": points.low, "high": points.high}
        pairs.append({"a": match.a, "b": match.b, **counts, **interval})
    rated = ratings(matches, anchor)
    each = list(zip(rated.names, rated.elo, strict=True))
    return {
        "games": sum(match.results.size for match in matches),
        "pairs": pairs,
        "elo": {name: elo.value for name, elo in each},
        "elo_low": {name: elo.low for name, elo in each},
        "elo_high": {name: elo.high for name, elo in each},
        "elo_anchor": rated.anchor,
    }


Moved = Callable[[NDArray[np.int64], Int, Bool], None]  # games, what was played, which are over


class Seats(NamedTuple):
    """Who plays in B games."""

    a: NDArray[np.int64]  # [B], numbers of players
    b: NDArray[np.int64]  # [B]
    a_second: Bool  # [B], a has the second seat


def _swapped(count: int, a: int, b: int) -> Seats:
    """``count`` games of a and b who change seats after every game."""
    return Seats(np.full(count, a), np.full(count, b), np.arange(count) % 2 == 1)


def _tell(watch: MatchGames, first: int, rows: NDArray[np.int64], action: Int, over: Bool) -> None:
    """Tells of moves in rows of a batch that begins with the game ``first``."""
    watch.moved(first + rows, action, over)


def _play(
    game: Game,
    players: Sequence[Player],
    start: State,
    second: Bool,
    seats: Seats,
    rng: np.random.Generator,
    moved: Moved | None = None,
) -> Results:
    """[B] i8, the results of player ``seats.a`` of each game.

    ``second``: the second player is to move in ``start``.  ``moved`` is told of every move.
    """
    state = take(start, slice(None))
    b_to_move = second ^ seats.a_second
    returns = np.zeros(len(second))
    going = np.arange(len(second))
    while len(going):
        over = np.zeros(len(returns), np.bool_)
        mover = np.where(b_to_move, seats.b, seats.a)[going]
        for number in np.unique(mover):
            rows = going[mover == number]
            before = take(state, rows)
            action = players[number].decide(game, before, rng).action
            after, paid = game.step(before, action)
            put(state, rows, after)
            returns[rows] += np.where(b_to_move[rows], -paid.reward, paid.reward)
            b_to_move[rows] ^= paid.discount < 0
            over[rows] = paid.discount == 0
            if moved is not None:
                moved(rows, action, over[rows])
        going = going[~over[going]]
    return np.sign(returns).astype(np.int8)


def _posterior_points(match: Match, rng: np.random.Generator) -> NDArray[np.float64]:
    """[DRAWS] f64, draws of a's expected points a game."""
    quarters = 2 + match.results.sum(axis=1, dtype=np.int64)
    counts = np.bincount(quarters, minlength=len(PAIR_SCORES))
    draws: NDArray[np.float64] = rng.dirichlet(counts + PRIOR, DRAWS) @ PAIR_SCORES
    return draws


def _label(players: Sequence[Player], i: int) -> str:
    """The name of player ``i``, numbered where another has the same."""
    name = players[i].name
    same = [k for k, player in enumerate(players) if player.name == name]
    return name if len(same) == 1 else f"{name} ({same.index(i) + 1})"
