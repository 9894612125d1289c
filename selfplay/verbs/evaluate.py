"""Measure a run against known truth, a prover by the problems it proves."""

from __future__ import annotations

import argparse
import shlex
from types import ModuleType
from typing import TYPE_CHECKING, Any

from selfplay.verbs import evaluate_problems
from selfplay.verbs.answer import Answer, say_next
from selfplay.verbs.arguments import (
    RUN,
    Parser,
    add_option,
    add_shared,
    at_least,
    first_of_each,
)
from selfplay.verbs.players import player_of, simulations_of

if TYPE_CHECKING:
    from selfplay.truth.positions import Positions

# What else than positions a run is measured by.  Each has, beside ``arguments`` and ``run``: the
# ``GAME`` whose runs it measures; its ``OPTIONS``, which mean nothing without the first of them;
# the ``REFUSAL`` of its runs where positions are asked for; ``command``, what to type, and its
# ``MEANING``.
OTHERS = (evaluate_problems,)


def arguments(parser: Parser) -> None:
    parser.add_argument("run", metavar="RUN", help=f"{RUN}; none: unguided search, with --problems")
    add_option(parser, "--positions", "FILE", "positions with truth (default: those that ship)")
    searched = "leaves a move, 0 for the net alone (default: the run's [strength])"
    add_option(parser, "--simulations", "N", searched, at_least(0))
    for other in OTHERS:
        other.arguments(parser)
    add_option(parser, "--limit", "N", "positions or problems a set, at most", at_least(1))
    add_shared(parser, "--trust", "--json")


def run(arguments: argparse.Namespace) -> Answer:
    for other in OTHERS:
        if getattr(arguments, other.OPTIONS[0]) is not None:
            _refuse(arguments, f"with --{other.OPTIONS[0]}", "positions", "simulations")
            answer: Answer = other.run(arguments)
            return answer
        _refuse(arguments, f"without --{other.OPTIONS[0]}", *other.OPTIONS[1:])
    if arguments.run == "none":
        raise ValueError("'none' is for --problems: positions are judged by a run")
    from selfplay.measure.mistakes import evaluate_positions, truth_json
    from selfplay.training.agent import load_agent
    from selfplay.truth.positions import default_positions, read_positions

    agent = load_agent(arguments.run)
    game = agent.game
    path = arguments.positions or default_positions(game)
    elsewhere = other_measure(game.name)
    if path is None and elsewhere:
        raise ValueError(f"{agent.name} {elsewhere.REFUSAL}")
    if path is None:
        raise ValueError(
            f"no positions with truth ship for {game.name}: name a file with --positions "
            "(header set,moves,s1,...)"
        )
    positions = read_positions(game, path)
    if arguments.limit:
        positions = _first_of_each_set(positions, arguments.limit)
    simulations = simulations_of(agent, arguments.simulations)
    player = player_of(agent, simulations)
    truth = evaluate_positions(game, positions, player, evaluator=agent.evaluator)
    print(f"{player.name} on {len(positions.scores)} positions of {path}:")
    print(f"  {'set':16} {'positions':>9}  mistakes (95% interval)  optimal mass  value nats")
    for each in truth.sets:
        _print_truth(each.name, str(each.n), each)
    _print_truth("mean of the sets", "", truth)
    say_next(f"selfplay play {shlex.quote(arguments.run)}")
    return Answer(truth_json(game, simulations, truth))


def other_measure(spec: str) -> ModuleType | None:
    """What else than positions measures runs of a game, None where positions do."""
    return next((other for other in OTHERS if spec.partition("?")[0] == other.GAME), None)


def _refuse(arguments: argparse.Namespace, how: str, *names: str) -> None:
    """Raises ValueError when an option was given that means nothing ``how`` it was asked."""
    for name in names:
        if getattr(arguments, name) not in (None, False):
            option = name.replace("_", "-")
            raise ValueError(f"--{option} means nothing to 'selfplay evaluate' {how}")


def _first_of_each_set(positions: Positions, limit: int) -> Positions:
    """The first ``limit`` positions of every set."""
    from selfplay.arrays import take

    kept = first_of_each(positions.set_index, limit)
    return positions._replace(
        set_index=positions.set_index[kept],
        state=take(positions.state, kept),
        scores=positions.scores[kept],
    )


def _print_truth(name: str, count: str, truth: Any) -> None:
    from selfplay.system.printable import in_one_line

    rate = truth.mistake_rate
    interval = f"{rate.value:6.2%} ({rate.low:.2%} to {rate.high:.2%})"
    print(
        f"  {in_one_line(name):16} {count:>9}  {interval:23}  {truth.optimal_mass:12.2%}  "
        f"{truth.value_cross_entropy:10.3f}"
    )
