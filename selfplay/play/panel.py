"""The panel beside the board: who is winning, what was searched, and the course of the game."""

from __future__ import annotations

import math

import numpy as np
from rich.table import Table
from rich.text import Text

from selfplay.play.session import GameSession, Opinion
from selfplay.system.graph import bar, sparkline

PANEL = 34  # characters, at least


def moves_table(session: GameSession, ply: int, opinion: Opinion, most: int) -> Table:
    """The moves after ``ply`` moves, at most ``most``, the agent's own choice first."""
    decision, net, two = opinion.decision, opinion.net, session.game.num_players == 2
    searched = ["visits"] if decision.visits.any() else []  # a solver, say, visits nothing
    table = Table(box=None, pad_edge=False)
    nets, unit = ["net"] if net else [], "win" if two else "Q"
    for heading in ("move", *nets, "policy", *searched, unit):
        table.add_column(heading, justify="left" if heading == "move" else "right")
    for action in ranked(session, ply, opinion)[:most]:
        q = decision.qvalues[action]
        table.add_row(
            session.game.action_name(action),
            *([f"{net.policy[action]:.1%}"] if net else []),
            f"{decision.policy[action]:.1%}",
            *([str(decision.visits[action])] if searched else []),
            "" if np.isnan(q) else f"{(1 + q) / 2:.1%}" if two else f"{q:+.2f}",
        )
    return table


def ranked(session: GameSession, ply: int, opinion: Opinion) -> list[int]:
    """The legal moves after ``ply`` moves, the best first."""
    decision = opinion.decision
    legal = np.flatnonzero(session.game.legal(session.history[ply].state)[0])
    worth = np.nan_to_num(decision.qvalues, nan=-2.0)
    order = sorted(legal, key=lambda a: (a != opinion.action, -decision.policy[a], -worth[a]))
    return list(map(int, order))


def course(session: GameSession) -> list[float]:
    """The person's chance to win at each position so far, a draw counting half; NaN: unknown.

    Of a game for one it is the return expected, from 0 for -1 to 1 for +1.
    """
    chances = []
    for ply, at in enumerate(session.history):
        paid = at.paid[session.side]
        opinion = session.known(ply)
        if at.over:
            chances.append((1 + paid) / 2)
        elif opinion is None:
            chances.append(math.nan)
        else:
            sign = 1 if at.mover == session.side else -1
            chances.append(min(1.0, max(0.0, (1 + paid + sign * opinion.value) / 2)))
    return chances


def win_bar(chances: list[float], width: int, fine: bool, two: bool = True) -> Text:
    """The newest chance that is known, as a bar with its percentage."""
    known = [chance for chance in chances if not math.isnan(chance)]
    if not known:
        return Text("You: not known yet", style="dim")
    full, empty = bar(known[-1], max(4, width - 13), fine)
    text = Text("You " if two else "Got ")
    text.append(full, "green" if known[-1] >= 0.5 else "red")
    text.append(empty, "dim")
    return text.append(f" {known[-1]:6.1%}", "bold")


def course_line(chances: list[float], width: int, fine: bool) -> Text:
    """The game so far, a character a position, the newest that have room."""
    text = Text("Game ")
    return text.append(sparkline(chances[-max(1, width - 5) :], fine), "cyan")
