"""Say in words what a game is and whether it keeps the laws, also your own."""

from __future__ import annotations

import argparse
import shlex
import time

from selfplay.verbs.answer import Answer, say_next
from selfplay.verbs.arguments import A_GAME, SEED, Parser, at_least, seconds


def arguments(parser: Parser) -> None:
    parser.add_argument("game", metavar="GAME", help=A_GAME)
    parser.add_option("--games", "N", "random games", at_least(1, 10**6), 16)
    patience = "about as long it looks at a slow game, less thoroughly"
    parser.add_option("--seconds", "S", patience, seconds, 20.0)
    parser.add_option("--seed", "SEED", "of chance", SEED, 0)
    parser.add_shared("--json")


def run(arguments: argparse.Namespace) -> Answer:
    import envs
    from selfplay.checks.examine import examine
    from selfplay.checks.portrait import described, portrait
    from selfplay.system.console import waiting

    began = time.monotonic()
    with waiting(f"checking {arguments.game}") as tell:
        game = envs.make(arguments.game, whole=False)
        report = examine(game, arguments.games, arguments.seed, arguments.seconds, tell)
        picture = None
        if not report.findings:
            tell("playing to see what it is")
            until = max(began + arguments.seconds, time.monotonic() + arguments.seconds / 5)
            try:
                picture = portrait(game, max(1, report.ended), arguments.seed, until)
            except ValueError as error:  # no game ends in time
                print(error)
            else:
                print(*described(game, picture), sep="\n")
    name = getattr(game, "name", arguments.game)
    games = "1 random game" if report.games == 1 else f"{report.games} random games"
    for problem in report.findings:
        print(problem)
    if report.findings:
        print(f"{name} breaks {len(report.findings)} of the laws that selfplay/types.py states")
    elif report.ended == report.games and report.moves == report.taken_again:
        print(f"{name} kept every law in {games}")
    else:
        print(
            f"{name} kept every law in the {arguments.seconds:g} seconds that there were: "
            f"{games}, {report.ended} of them to their end, {report.moves} moves, "
            f"{report.taken_again} taken again; --seconds looks longer"
        )
    if not report.findings:
        say_next(f"selfplay bench {shlex.quote(arguments.game)}")
    content = {
        "game": name, "games": report.games, "problems": report.findings, "ended": report.ended,
        "moves": report.moves, "moves_taken_again": report.taken_again,
        "portrait": picture and picture._asdict(),
    }  # fmt: skip
    return Answer(content, code=int(bool(report.findings)))
