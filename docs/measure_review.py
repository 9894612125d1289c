"""How well a review by the agent that ships finds blunders without a solver: recall and precision.

    python docs/measure_review.py SIMULATIONS

A legal move is drawn at each of the 600 solved positions of Connect Four that ship; what the
agent's search says it lost is compared with the truth, where a blunder is a move that turns a win
into a draw or a loss, or a draw into a loss.  Also prints the same for positions that the agent
thinks open (its value within -0.6 to 0.6), both rules, and how far a value moves when its search
has twice the simulations, as a share of the standard deviation of results with that mean.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable

import numpy as np

import envs
from selfplay.arrays import concatenate, take
from selfplay.lines.keys import position_keys
from selfplay.play.course import MARKS, Estimate, error_of, loss, standard_error
from selfplay.play.variations import Position, after, start_of
from selfplay.truth.positions import default_positions, read_positions
from selfplay.types import Player, State
from selfplay.verbs.players import players_named

OPEN = 0.6
LEAST = dict(MARKS)["blunder"]
Error = Callable[[float, int], float]
Values = dict[int, tuple[int, float, int]]  # by position: the move, its value and its visits


def searched(player: Player, states: list[State]) -> Values:
    """What the player thinks of the positions, all searched side by side."""
    rng = np.random.default_rng(0)
    told = player.decide(envs.make("connect4"), concatenate(states), rng)
    keys = [int(position_keys(state)[0]) for state in states]
    moves = told.action.tolist()
    known = [
        (move, told.value[row] if math.isnan(told.qvalues[row, move]) else told.qvalues[row, move],
         int(told.visits[row, move]))
        for row, move in enumerate(moves)
    ]  # fmt: skip
    return dict(zip(keys, known, strict=True))


def main() -> None:
    """Prints a line for each rule."""
    simulations = int(sys.argv[1])
    spec, game, _ = players_named(["connect4"], None, simulations)
    positions = read_positions(game, default_positions(game) or "")
    rng = np.random.default_rng(0)
    results = np.sign(positions.scores)
    befores = [start_of(take(positions.state, slice(i, i + 1))) for i in range(len(results))]
    moves = [int(rng.choice(np.flatnonzero(game.legal(at.state)[0]))) for at in befores]
    blunder = np.nanmax(results, axis=1) > results[np.arange(len(moves)), moves]

    def look(count: int, places: list[Position]) -> Values:
        player = players_named(["connect4"], spec, count)[2][0]
        return searched(player, [at.state for at in places if not at.over])

    values = look(simulations, befores)
    best = [values[int(position_keys(at.state)[0])][0] for at in befores]
    chosen = [after(game, at, move) for at, move in zip(befores, best, strict=True)]
    played = [after(game, at, move) for at, move in zip(befores, moves, strict=True)]
    values |= look(simulations, chosen + played)
    agent = players_named(["connect4"], spec, simulations)[2][0]
    rules: dict[str, Error] = {
        "net-guided": lambda value, visits: error_of(agent, value, visits),
        "as rollouts": standard_error,
    }
    for name, error in rules.items():

        def think(at: Position, error: Error = error) -> Estimate:
            action, value, visits = values[int(position_keys(at.state)[0])]
            return Estimate(action, value, error(value, visits), (action,))

        marked = np.array([
            loss(game, at, move, think(at), think) >= LEAST
            for at, move in zip(befores, moves, strict=True)
        ])  # fmt: skip
        near = np.array([abs(think(at).value) <= OPEN for at in befores])
        for which, among in (("all", np.ones(len(near), bool)), ("open", near)):
            found = (marked & blunder & among).sum()
            print(
                f"{name}, {which} {among.sum()} positions: recall {found}/{(blunder & among).sum()}"
                f" = {found / (blunder & among).sum():.1%}, precision "
                f"{found}/{(marked & among).sum()} = {found / (marked & among).sum():.1%}"
            )
    twice = look(2 * simulations, befores + played)
    moved = [
        (values[key][1] - twice[key][1]) ** 2 / (1 - values[key][1] ** 2)
        for key in twice
        if abs(values[key][1]) < 0.98 and values[key][0] == twice[key][0]
    ]
    rms = math.sqrt(np.mean(moved))
    print(f"with twice the simulations a value moves by {rms:.3f} (rms): {rms / 2**0.5:.3f} of one")


if __name__ == "__main__":
    main()
