"""Matches between players: seats swapped, openings varied, scores and Elo with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from selfplay.arrays import length, take
from selfplay.lines.lockstep import Turn, lockstep
from selfplay.lines.openings import Openings, distinct_openings, enough_plies
from selfplay.players.apart import play_apart
from selfplay.players.guests import engines_among
from selfplay.players.match_games import Watch
from selfplay.stats import Interval
from selfplay.types import Game, Int, Player

PAIR_SCORES = np.array([0.0, 0.25, 0.5, 0.75, 1.0])  # what a pair of games can yield
PRIOR = 0.2  # pseudo-pairs of each score: as if every match had one more pair, of mean 1/2
POSTERIOR = 2000  # samples of it, for intervals
AT_ONCE = 1 << 22  # numbers that samples of ratings take up, each as large as players times matches
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
    watch: Watch | None = None,
    ledger: Sequence[Match] = (),
    at_once: int = 1,
) -> list[Match]:
    """Everyone against everyone: ``pairs`` openings of ``plies`` random moves, seats swapped.

    More random moves where these vary too little: see openings.enough_plies.
    The openings are the same in all matches.  ``batch`` games run in lockstep; ``watch`` is told
    of every move.  Engines of others play ``at_once`` games instead, each in processes of its own.
    Players of the same name are told apart by a number.  ``ledger``: matches of
    this tournament as far as they have been played, which go on from there.
    Raises ValueError unless the game is for two players and there are two of them.
    """
    if game.num_players != 2:
        given = f"{game.name} has {game.num_players}"
        raise ValueError(f"a match needs a game for two players; {given}")
    if len(players) < 2 or pairs < 1:
        given = f"{len(players)} players and {pairs} pairs"
        raise ValueError(f"a match needs two players and one pair of games; got {given}")
    opening_seed, *seeds = np.random.SeedSequence(seed).spawn(1 + len(players) ** 2)
    plies = enough_plies(game, pairs, plies)
    openings = distinct_openings(game, pairs, plies, np.random.default_rng(opening_seed))
    named = {_label(players, i): player for i, player in enumerate(players)}
    played = {(match.a, match.b): match for match in ledger}
    matches = []
    for pair, match_seed in zip(combinations(named, 2), seeds, strict=False):
        match = played.get(pair, new_match(*pair))
        rng = np.random.default_rng(match_seed)
        while len(match.results) < pairs:
            some = take(openings, slice(len(match.results) + max(1, batch // 2)))
            (match,) = play_on(game, named, [match], some, rng, watch, at_once)
        matches.append(match)
    return matches


def new_match(a: str, b: str) -> Match:
    """A match that nothing has been played of."""
    return Match(a, b, np.empty((0, 2), np.int8))


def play_on(
    game: Game,
    players: Mapping[str, Player],
    matches: Sequence[Match],
    openings: Openings,
    rng: np.random.Generator,
    watch: Watch | None = None,
    at_once: int = 1,
) -> list[Match]:
    """The matches with the results from all ``openings``: each goes on from the first it lacks.

    All games are played side by side, so that batches are large.  ``players``: by their names.
    """
    names = list(dict.fromkeys(name for match in matches for name in (match.a, match.b)))
    missing = [np.arange(len(match.results), length(openings)) for match in matches]
    twice = take(openings, np.repeat(np.concatenate(missing), 2))
    seats = [
        seated
        for match, rows in zip(matches, missing, strict=True)
        for seated in [(match.a, match.b), (match.b, match.a)] * len(rows)
    ]
    numbers = np.array([[names.index(name) for name in seated] for seated in seats])
    if watch is not None:
        watch.begin(twice, seats)
    seated_players = [players[name] for name in names]
    if engines_among(seated_players):
        won = play_apart(game, seated_players, numbers, twice, rng, watch, at_once)
    else:
        won = _play(game, seated_players, numbers, twice, rng, watch)
    if watch is not None:
        watch.end(seats, won)
    points = won.reshape(-1, 2) * np.array([1, -1], np.int8)  # a has the first seat, then b
    parts = np.split(points, np.cumsum([len(rows) for rows in missing])[:-1])
    return [
        match._replace(results=np.concatenate([match.results, part]))
        for match, part in zip(matches, parts, strict=True)
    ]


def _play(
    game: Game,
    players: Sequence[Player],
    seats: NDArray[np.int64],
    openings: Openings,
    rng: np.random.Generator,
    watch: Watch | None,
) -> NDArray[np.int8]:
    """[B] i8, the result for whoever has the first seat in the games from B openings.

    ``seats`` [B, 2]: numbers of the players.
    """

    def choose(turn: Turn) -> Int:
        action = np.empty(len(turn.lane), np.int32)
        mover = seats[turn.lane, turn.second.astype(np.int64)]
        for number in np.unique(mover):
            rows = np.flatnonzero(mover == number)
            state = take(turn.state, rows)
            action[rows] = players[number].decide(game, state, rng).action
        return action

    returns = np.zeros(len(seats))
    for ply in lockstep(game, openings.state, choose, second=openings.second):
        turn, reward = ply.turn, ply.paid.reward
        returns[turn.lane] += np.where(turn.second, -reward, reward)
        if watch is not None:
            watch.moved(ply)
    return np.sign(returns).astype(np.int8)


def score(match: Match) -> Interval:
    """a's mean points a game (win 1, draw 1/2) with its 95% credible interval.

    The two games of an opening are one observation, since they are not independent: the interval
    is that of the mean under a Dirichlet posterior over the five scores a pair can have.
    """
    points = (1 + match.results.mean()) / 2
    posterior = _posterior_points(match, np.random.default_rng(0))
    low, high = np.quantile(posterior, [0.025, 0.975])
    return Interval(float(points), min(float(low), points), max(float(high), points))


class RatingPosterior(NamedTuple):
    """Elo of K players, of mean 0, with samples of their posterior."""

    names: tuple[str, ...]
    elo: NDArray[np.float64]  # [K] of largest likelihood
    samples: NDArray[np.float64]  # [POSTERIOR, K]


def ratings(matches: Sequence[Match], anchor: str | None = None) -> Ratings:
    """Elo by Bradley-Terry (a draw is half a win), 0 for ``anchor`` (default: the first player).

    Prior: every match counts one more pair of games, drawn, so that no rating is infinite.
    Intervals (95%) come from the posteriors of the matches, see ``score``.
    Raises ValueError when no player is called ``anchor``.
    """
    rated = rating_posterior(matches)
    names = rated.names
    anchor = names[0] if anchor is None else anchor
    if anchor not in names:
        raise ValueError(f"there is no player {anchor!r} to anchor Elo at; known: {names}")
    zero = names.index(anchor)
    value = rated.elo - rated.elo[zero]
    low, high = np.quantile(rated.samples - rated.samples[:, zero, None], [0.025, 0.975], axis=0)
    elo = tuple(Interval(*map(float, row)) for row in zip(value, low, high, strict=True))
    return Ratings(names, elo, anchor)


def rating_posterior(matches: Sequence[Match]) -> RatingPosterior:
    """The same with whole samples, for what is computed of several ratings; in order of appearance.

    Not all players need have met, but the matches connect them.
    """
    names = tuple(dict.fromkeys(name for match in matches for name in (match.a, match.b)))
    seats = [(names.index(match.a), names.index(match.b)) for match in matches]
    first, second = np.array(seats).T
    games = np.array([2.0 + match.results.size for match in matches])
    points = np.array([1.0 + (1 + match.results.astype(float)).sum() / 2 for match in matches])
    rng = np.random.default_rng(0)
    shares = np.stack([_posterior_points(match, rng) for match in matches], axis=1)
    value = bradley_terry(first, second, points, games, len(names))
    at_once = max(1, AT_ONCE // (len(names) * len(matches)))  # draws
    parts = [
        bradley_terry(first, second, shares[i : i + at_once] * games, games, len(names))
        for i in range(0, POSTERIOR, at_once)
    ]
    return RatingPosterior(names, value, np.concatenate(parts))


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
    design = np.eye(players)[first] - np.eye(players)[second]
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
        results = {"wins": 1, "draws": 0, "losses": -1}
        counts = {name: int((match.results == each).sum()) for name, each in results.items()}
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


def _posterior_points(match: Match, rng: np.random.Generator) -> NDArray[np.float64]:
    """[POSTERIOR] f64, samples of a's expected points a game."""
    quarters = 2 + match.results.sum(axis=1, dtype=np.int64)
    counts = np.bincount(quarters, minlength=len(PAIR_SCORES))
    samples: NDArray[np.float64] = rng.dirichlet(counts + PRIOR, POSTERIOR) @ PAIR_SCORES
    return samples


def _label(players: Sequence[Player], i: int) -> str:
    """The name of player ``i``, numbered where another has the same."""
    name = players[i].name
    same = [k for k, player in enumerate(players) if player.name == name]
    return name if len(same) == 1 else f"{name} ({same.index(i) + 1})"
