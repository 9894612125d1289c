"""Measure a run against known truth, a prover by the problems it proves."""

from __future__ import annotations

import argparse
import shlex
from types import ModuleType
from typing import Any

from selfplay.verbs import evaluate_problems
from selfplay.verbs.answer import Answer, say_next
from selfplay.verbs.arguments import RUN, Parser, at_least, refuse_given
from selfplay.verbs.players import player_of, refuse_both, simulations_of

# What else than positions a run is measured by.  Each has, beside ``arguments`` and ``run``: the
# ``GAME`` whose runs it measures; its ``OPTIONS``, which mean nothing without the first of them;
# the ``REFUSAL`` of its runs where positions are asked for; ``command``, what to type, and its
# ``MEANING``; ``NO_RUN``, typed in the place of a run for the ``SEARCH`` alone.
OTHERS: tuple[ModuleType, ...] = (evaluate_problems,)


def arguments(parser: Parser) -> None:
    instead = [f"{other.NO_RUN}: {other.SEARCH}, with --{other.OPTIONS[0]}" for other in OTHERS]
    parser.add_argument("run", metavar="RUN", help="; ".join([RUN, *instead]))
    known = "a file with truth, or of those that ship stages, informative or validation"
    parser.add_option("--positions", "FILE", f"{known} (default: stages)")
    searched = "leaves a move, 0 for the net alone (default: the run's [strength])"
    parser.add_option("--simulations", "N", searched, at_least(0))
    for other in OTHERS:
        other.arguments(parser)
    parser.add_option("--limit", "N", "positions or problems a set, at most", at_least(1))
    parser.add_shared("--trust", "--json")


def run(arguments: argparse.Namespace) -> Answer:
    for other in OTHERS:
        if getattr(arguments, other.OPTIONS[0]) is not None:
            refuse_given(arguments, ("positions", "simulations"), f"with --{other.OPTIONS[0]}")
            answer: Answer = other.run(arguments)
            return answer
        only = [option for option in other.OPTIONS[1:] if option != "seconds"]
        refuse_given(arguments, only, f"without --{other.OPTIONS[0]}")
        if arguments.run == other.NO_RUN:
            option = f"--{other.OPTIONS[0]}"
            raise ValueError(f"{arguments.run!r} is for {option}: positions are judged by a run")
    from selfplay.measure.mistakes import evaluate_positions, truth_json
    from selfplay.training.agent import load_agent
    from selfplay.truth.positions import find_positions, first_of_sets, read_positions

    refuse_both(arguments.simulations, arguments.seconds)
    agent = load_agent(arguments.run)
    game = agent.game
    path = find_positions(game, arguments.positions or "")
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
        positions = first_of_sets(positions, arguments.limit)
    simulations = simulations_of(agent, arguments.simulations)
    player = player_of(agent, simulations, arguments.seconds)
    truth = evaluate_positions(game, positions, player, evaluator=agent.evaluator)
    print(f"{player.name} on {len(positions.scores)} positions of {path}:")
    print(f"  {'set':16} {'positions':>9}  mistakes (95% interval)  optimal mass  value nats")
    for each in truth.sets:
        _print_truth(each.name, str(each.n), each)
    _print_truth("mean of the sets", "", truth)
    say_next(f"selfplay play {shlex.quote(arguments.run)}")
    timed = arguments.seconds is not None
    content = truth_json(game, None if timed else simulations, truth)
    return Answer({**content, "seconds": arguments.seconds} if timed else content)


def other_measure(spec: str) -> ModuleType | None:
    """What else than positions measures runs of a game, None where positions do."""
    return next((other for other in OTHERS if spec.partition("?")[0] == other.GAME), None)


def _print_truth(name: str, count: str, truth: Any) -> None:
    from selfplay.system.printable import in_one_line

    rate = truth.mistake_rate
    interval = f"{rate.value:6.2%} ({rate.low:.2%} to {rate.high:.2%})"
    print(
        f"  {in_one_line(name):16} {count:>9}  {interval:23}  {truth.optimal_mass:12.2%}  "
        f"{truth.value_cross_entropy:10.3f}"
    )
