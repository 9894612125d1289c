"""How often a player errs where exact scores are known: in a file, in the agent's own games."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from selfplay.arrays import concatenate, length, take
from selfplay.lines.keys import canonical_keys, different
from selfplay.lines.lockstep import lockstep
from selfplay.lines.openings import random_positions
from selfplay.players.players import NetPlayer, SearchPlayer, ValuePlayer
from selfplay.search import Search
from selfplay.section import Metric, Section
from selfplay.stats import Interval, mean_of, result_probabilities, wilson
from selfplay.truth.base import optimal_moves
from selfplay.truth.labels import Labeller
from selfplay.truth.positions import Positions, default_positions, read_positions
from selfplay.truth.solver import is_small
from selfplay.types import Decision, Evaluator, Float, Game, Player, State

SURPRISE = 1e-6  # no result is given a smaller probability, so cross-entropies stay finite
OPENING_PLIES = 4  # random moves that an agent's own games begin with, at most
A_GAME = 4  # positions wanted for each of its games
FEWEST = 16  # games
OWN_POSITIONS = 200  # where nobody says how many
_mistakes = partial(Metric, unit="share", better="down", interval=True)
_surprise = partial(Metric, unit="nats", better="down")


class SetTruth(NamedTuple):
    """A player on the positions of one set."""

    name: str
    n: int
    mistake_rate: Interval  # share of positions where the move played spoils the best result
    optimal_mass: float  # mean probability that the policy puts on moves that do not
    policy_cross_entropy: float  # nats, mean of -ln of that probability
    value_cross_entropy: float  # nats, of the predicted result against the true one


class Truth(NamedTuple):
    """A player on a position file; overall figures are means over the sets."""

    sets: tuple[SetTruth, ...]
    mistake_rate: Interval
    optimal_mass: float
    policy_cross_entropy: float
    value_cross_entropy: float


def evaluate_positions(
    game: Game,
    positions: Positions,
    player: Player,
    batch: int = 1024,
    evaluator: Evaluator | None = None,
) -> Truth:
    """What ``player`` does on ``positions``, ``batch`` of them at a time.

    The predicted result follows from the decision's value, and from the probability of a draw
    that ``evaluator`` states, if one is given: see stats.result_probabilities.
    """
    rng, parts = np.random.default_rng(0), list[NDArray[np.float64]]()
    for start in range(0, length(positions.state), batch):
        rows = slice(start, start + batch)
        state = take(positions.state, rows)
        decision = player.decide(game, state, rng)
        draw = evaluator(game, state).draw if evaluator else None
        parts.append(_judge(positions.scores[rows], decision, draw))
    columns = np.concatenate(parts, axis=1)
    sets = []
    for i, name in enumerate(positions.set_names):
        mistakes, *measured = columns[:, positions.set_index == i]
        rate = wilson(float(mistakes.sum()), len(mistakes))
        sets.append(SetTruth(name, len(mistakes), rate, *(float(each.mean()) for each in measured)))
    _, _, rates, *figures = zip(*sets, strict=True)
    return Truth(tuple(sets), mean_of(rates), *(float(np.mean(each)) for each in figures))


def truth_json(game: Game, simulations: int, truth: Truth) -> dict[str, object]:
    """The object that ``evaluate --positions --json`` prints."""
    sets = {each.name: {"n": each.n, **_figures(each)} for each in truth.sets}
    return {"game": game.name, "simulations": simulations, **_figures(truth), "sets": sets}


def _figures(truth: SetTruth | Truth) -> dict[str, float]:
    return truth.mistake_rate.scalars("mistake_rate") | {
        "optimal_mass": truth.optimal_mass,
        "policy_cross_entropy": truth.policy_cross_entropy,
        "value_cross_entropy": truth.value_cross_entropy,
    }


def _judge(scores: Float, decision: Decision, draw: Float | None) -> NDArray[np.float64]:
    """[4, B] f64: mistakes, optimal mass, and the surprise in nats at it and at the result."""
    rows = np.arange(len(scores))
    optimal = optimal_moves(scores)
    mass = (decision.policy * optimal).sum(axis=1, dtype=np.float64)
    result = 1 - np.sign(np.nanmax(scores, axis=1)).astype(np.int64)  # 0 win, 1 draw, 2 loss
    probability = result_probabilities(decision.value.astype(np.float64), draw)[rows, result]
    surprise = -np.log(np.maximum(probability, SURPRISE))
    unlikely = -np.log(np.maximum(mass, SURPRISE))
    return np.stack([~optimal[rows, decision.action], mass, unlikely, surprise])


def own_positions(game: Game, player: Player, count: int, labeller: Labeller) -> Positions | None:
    """At most ``count`` different positions from games of ``player`` against itself, labelled.

    The games begin with 1 to OPENING_PLIES random moves, none like another or its mirror image.
    None where the solver can score none of the positions.
    """
    rng = np.random.default_rng(0)
    games = max(FEWEST, -(-count // A_GAME))
    random = rng.integers(1, min(OPENING_PLIES, game.max_moves - 1) + 1, 4 * games)
    opened = random_positions(game, random, rng).state
    start = take(opened, different(game, opened)[:games])
    plies = lockstep(game, start, lambda turn: player.decide(game, turn.state, rng).action)
    met = [ply.turn.state for ply in plies]
    if not met:
        return None
    state = concatenate(met)
    rows = sample_different(game, state, count, labeller, rng)
    if not len(rows):
        return None
    state = take(state, rows)
    return Positions(("own",), np.zeros(len(rows), np.int32), state, labeller.scores(state))


def sample_different(
    game: Game, state: State, count: int, labeller: Labeller, rng: np.random.Generator
) -> NDArray[np.int64]:
    """At most ``count`` rows of ``state``, ascending, drawn evenly from those that can be scored.

    No two are equal or mirror images.
    """
    known = np.flatnonzero(labeller.solvable(state))
    known = known[different(game, take(state, known))]
    rows: NDArray[np.int64] = np.sort(rng.permutation(known)[:count])
    return rows


class PositionsSection(Section):
    """The positions of a file, with their truth."""

    positions: str = ""
    """a position file; empty: the one that ships for the game, if any"""


class OwnGamesSection(PositionsSection):
    """The positions that the agent itself goes to, judged by the game's solver."""

    own_positions: int | None = Field(None, ge=0, le=10**6)
    """so many different positions, at most, of games that the agent plays against itself are judged
    too; none: 200 where a game for two is solved in a second or two and no position file is
    there, else 0. Needs a solver of the game; of Othello the last 14 empty squares count"""


class PositionFile:
    """Mistakes on the positions of a file."""

    metrics: tuple[Metric, ...] = (
        _mistakes(
            "strength/mistake_rate",
            "mean over the sets of (mistakes / positions), with search",
            label="mistakes",
            form="{:.1%} with search",
        ),
        _mistakes(
            "strength/net_mistake_rate",
            "the same for the net's most probable move",
            label="net alone",
            form="{:.1%}",
        ),
        _mistakes(
            "strength/value_mistake_rate",
            "the same for the move to the position that the net's value likes best, looking one "
            "move ahead",
        ),
        Metric(
            "strength/mistake_rate/SET",
            "mistakes / positions of one set, with search",
            "share",
            "down",
        ),
        Metric(
            "strength/optimal_mass",
            "mean over the sets of the search policy's mean probability of moves that are no "
            "mistakes",
            "share",
            "up",
        ),
        _surprise(
            "strength/policy_cross_entropy",
            "mean over the sets of mean(-log p(moves that are no mistakes)), p from the net",
        ),
        _surprise(
            "strength/value_cross_entropy",
            "mean over the sets of mean(-log p(true result)), p from the net",
        ),
    )

    def __init__(self, game: Game, section: PositionsSection) -> None:
        self._game = game
        path = section.positions or default_positions(game)
        assert path is not None
        self._positions = read_positions(game, path)

    @staticmethod
    def applies(game: Game, section: PositionsSection) -> bool:
        return bool(section.positions or default_positions(game))

    def keys(self) -> NDArray[np.uint64]:
        """Canonical keys of the positions."""
        return canonical_keys(self._game, self._positions.state)

    def measure(self, search: Search, evaluator: Evaluator) -> dict[str, float]:
        """Shares of mistakes by set too, with the ends of their intervals."""
        agent = SearchPlayer("agent", search, evaluator)
        scalars, searched = _judged("strength/", self._game, self._positions, agent)
        scalars["strength/optimal_mass"] = searched.optimal_mass
        for each in searched.sets:
            scalars[f"strength/mistake_rate/{each.name}"] = each.mistake_rate.value
        return scalars


class OwnGames:
    """Mistakes on the positions of the agent's own games."""

    metrics: tuple[Metric, ...] = (
        _mistakes(
            "strength/own_mistake_rate",
            "mistakes / positions, with search, where the agent itself goes: on `own_positions` "
            "positions drawn from its games with that search after 1 to 4 random moves, no two "
            "alike or mirror images; judging costs the run's ledger nothing",
        ),
        _mistakes(
            "strength/own_net_mistake_rate",
            "the same for the net's most probable move, on those positions",
        ),
        _mistakes(
            "strength/own_value_mistake_rate",
            "the same for the move to the position that the net's value likes best",
        ),
        _surprise("strength/own_policy_cross_entropy", "as without `own_`, on those positions"),
        _surprise("strength/own_value_cross_entropy", "as without `own_`, on those positions"),
    )

    def __init__(self, game: Game, section: OwnGamesSection) -> None:
        self._game, self._count = game, _own_positions(game, section)
        try:
            self._labeller = Labeller(game)
        except ValueError as error:
            why = f"strength.own_positions needs a solver to judge them: {error}"
            raise ValueError(f"{why}; set it to 0") from error

    @staticmethod
    def applies(game: Game, section: OwnGamesSection) -> bool:
        return _own_positions(game, section) > 0

    def measure(self, search: Search, evaluator: Evaluator) -> dict[str, float]:
        """Empty where the solver can judge none of the positions."""
        agent = SearchPlayer("agent", search, evaluator)
        own = own_positions(self._game, agent, self._count, self._labeller)
        self._labeller.refresh()
        return {} if own is None else _judged("strength/own_", self._game, own, agent)[0]


def _own_positions(game: Game, section: OwnGamesSection) -> int:
    if section.own_positions is not None:
        return section.own_positions
    return 0 if PositionFile.applies(game, section) or not is_small(game) else OWN_POSITIONS


def _judged(
    prefix: str, game: Game, positions: Positions, agent: SearchPlayer
) -> tuple[dict[str, float], Truth]:
    """The net alone, its value one move ahead, and the search, on the same positions.

    Behind the metrics, what was found of the search.
    """

    evaluator, scalars = agent.evaluator, dict[str, float]()
    net, value = NetPlayer("net", evaluator), ValuePlayer("value", evaluator)
    judged = {
        name: evaluate_positions(game, positions, player, evaluator=evaluator)
        for name, player in (("net_", net), ("value_", value), ("", agent))
    }
    for name in ("", "net_", "value_"):
        scalars |= judged[name].mistake_rate.scalars(f"{prefix}{name}mistake_rate")
    scalars[f"{prefix}value_cross_entropy"] = judged["net_"].value_cross_entropy
    scalars[f"{prefix}policy_cross_entropy"] = judged["net_"].policy_cross_entropy
    return scalars, judged[""]
