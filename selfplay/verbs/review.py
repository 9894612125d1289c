"""Review a recorded game: what each move cost, what was better, the worst three."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selfplay.verbs.answer import Answer, say_next
from selfplay.verbs.arguments import RUN, SEED, Parser, at_least, seconds
from selfplay.verbs.players import agent_for, game_option, players_named, refuse_seconds

if TYPE_CHECKING:
    from selfplay.play.course import Course, Judged
    from selfplay.play.saved import Recorded
    from selfplay.truth.base import Solver
    from selfplay.types import Game

SIMULATIONS = 400
SOURCES = """\
what is reviewed:
  FILE                     a game of a file: SGF, PGN, WTHOR, lists of moves, games/*.txt of a run
  RUN                      the last game that a run has kept
  GAME MOVES ...           the moves themselves, as in 'selfplay review connect4 4436522'
"""


def arguments(parser: Parser) -> None:
    parser.formatter_class, parser.epilog = argparse.RawDescriptionHelpFormatter, SOURCES
    parser.add_argument(
        "targets", nargs="+", metavar="FILE|RUN|GAME", help="and, behind a game, its moves"
    )
    parser.add_option("--number", "N", "which game of the file, from 1", at_least(1))
    parser.add_option("--game", "GAME", "the game, where the file does not tell it")
    agent = f"who judges: {RUN}; or any player of `selfplay match` (default: the run whose game it "
    parser.add_option("--agent", "PLAYER", agent + "is, else the one that ships, else mcts)")
    strength = f"leaves it looks at for each position (default: {SIMULATIONS})"
    parser.add_option("--simulations", "N", strength, at_least(1))
    parser.add_option(
        "--seconds", "S", "for each position (with --simulations: what comes first)", seconds
    )
    parser.add_argument(
        "--solver", action=argparse.BooleanOptionalAction, default=None,
        help="what a solver knows counts before what the agent thinks (default: if one is quick)",
    )  # fmt: skip
    parser.add_option("--seed", "SEED", "of chance", SEED, 0)
    parser.add_shared("--trust", "--json")


def run(arguments: argparse.Namespace) -> Answer:
    import numpy as np

    from selfplay.play.course import Course, by_ply, thinking
    from selfplay.play.review import Review
    from selfplay.players.limits import Limit
    from selfplay.system.console import COMPILING, PlainConsole, waiting

    recorded, agent = _recorded(arguments)
    tree = recorded.tree
    simulations = arguments.simulations or SIMULATIONS
    agent = arguments.agent or agent or agent_for(tree.game, simulations)
    spec, game, (player,) = players_named([agent], recorded.spec, simulations)
    refuse_seconds(player, arguments.seconds)
    limit = Limit(arguments.simulations if arguments.seconds else None, arguments.seconds)
    course = Course(
        game,
        thinking(game, player, np.random.default_rng(arguments.seed), limit),
        _solver(game, arguments.solver),
    )
    line = tree.positions(tree.line(tree.at))
    _say_what(recorded, player.name, course.solver is not None and agent != "solver")
    with waiting(COMPILING):
        start = course.win(line[0])
    told, complete = _judged(course, line)
    moves = by_ply(told)
    Review(game, line, moves, PlainConsole(), recorded.players, recorded.opening).show()
    if recorded.more:
        print("The file holds more games: --number N picks another.")
    say_next(f"selfplay play {shlex.quote(agent)}{game_option(agent, spec)}")
    content = _content(recorded, moves, start)
    solver = course.solver is not None
    return Answer(
        {**content, "agent": player.name, "solver": solver, "complete": complete},
        0 if complete else 130,
    )


def _recorded(arguments: argparse.Namespace) -> tuple[Recorded, str | None]:
    """The game to review, and the run it comes from, if it does from one."""
    from selfplay.play.saved import last_of_run, read_game, run_of, typed_game

    target, moves = arguments.targets[0], arguments.targets[1:]
    if moves or (_is_game(target) and not Path(target).exists()):
        if not moves:
            raise ValueError(f"write the moves behind the game: 'selfplay review {target} MOVES'")
        if arguments.number or arguments.game:
            raise ValueError("--number and --game are of files; the game typed is all there is")
        return typed_game(target, moves), None
    if Path(target).is_file():
        path = Path(target)
        return read_game(path, arguments.number or 1, arguments.game), run_of(path)
    from selfplay.training.agent import find_agent
    from selfplay.training.finding import NoRunError

    try:
        run, step = find_agent(target)
    except NoRunError as error:
        hint = error.hint or "`selfplay runs` lists the runs"
        raise ValueError(f"there is no file {target!r}, nor a run of that name; {hint}") from error
    at = "" if step is None else f"@{step}"
    return last_of_run(run, arguments.number), f"{run.path}{at}"


def _is_game(target: str) -> bool:
    import envs

    address = target.partition("?")[0]
    return address in envs.GAMES or address in envs.SHORT or ":" in address


def _solver(game: Game, wish: bool | None) -> Solver | None:
    from selfplay.truth.solver import quick_solver, solver_for

    if wish is None:
        return quick_solver(game)
    return solver_for(game) if wish else None


def _say_what(recorded: Recorded, agent: str, solved: bool) -> None:
    from selfplay.system.printable import in_one_line

    tree = recorded.tree
    first, second = map(in_one_line, recorded.players)
    of = f": {first} against {second}" if (first, second) != ("first", "second") else ""
    ended = "" if tree.now.over else ", which stops before its end"
    count = len(tree.line(tree.at)) - 1
    judges = f"{agent} and the solver judge" if solved else f"{agent} judges"
    where = in_one_line(recorded.where)
    print(f"{where}: {count} moves of {tree.game.name}{of}{ended}; {judges}.", flush=True)


def _judged(course: Course, line: list[Any]) -> tuple[list[Judged], bool]:
    """What was judged until the end, or until Ctrl-C, and whether that was all."""
    from selfplay.system.console import progress
    from selfplay.system.printable import end_unread

    told: list[Judged] = []
    try:
        with progress("reviewing", every_s=10.0) as say:
            for judged in course.judge(line):
                end_unread()
                told.append(judged)
                say(lambda: f"move {told[-1].ply + 1} of {len(line) - 1} is judged")
    except KeyboardInterrupt:
        print(f"\nstopped after {len({each.ply for each in told})} moves", file=sys.stderr)
        return told, False
    return told, True


def _content(recorded: Recorded, moves: list[Judged], start: float) -> dict[str, Any]:
    from selfplay.play.course import judged_json, side_of, worst

    game, own = recorded.tree.game, [each for each in moves if each.ply >= recorded.opening]
    return {
        "game": recorded.spec, "where": recorded.where, "players": list(recorded.players),
        "opening": recorded.opening, "start": start,
        "moves": [judged_json(game, each) for each in moves],
        "sides": [side_of(own, mover)._asdict() for mover in range(game.num_players)],
        "worst": [each.ply for each in worst(own)],
    }  # fmt: skip
