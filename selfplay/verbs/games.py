"""List the games."""

from __future__ import annotations

import argparse

from selfplay.verbs.answer import Answer, say_next
from selfplay.verbs.arguments import Parser


def arguments(parser: Parser) -> None:
    parser.add_shared("--json")


def run(arguments: argparse.Namespace) -> Answer:
    import envs

    rows = []
    for name in sorted(envs.GAMES):
        game = envs.make(name)
        rows.append({
            "game": name, "players": game.num_players, "actions": game.num_actions,
            "max_moves": game.max_moves,
        })  # fmt: skip
    print(f"{'game':12} players  actions  max moves")
    for row in rows:
        print(f"{row['game']:12} {row['players']:7}  {row['actions']:7}  {row['max_moves']:9}")
    say_next(f"selfplay check {rows[0]['game']}")
    return Answer({"games": rows})
