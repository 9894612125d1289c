"""What a game looks like that has been judged: its moves, a graph, sums, the worst moves."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from selfplay.play.course import SIGNS, Judged, Truth, by_ply, side_of, worst
from selfplay.play.saved import save_game
from selfplay.play.session import GameSession
from selfplay.play.variations import Position, Variations
from selfplay.system.console import PlainConsole
from selfplay.system.graph import FINE, columns
from selfplay.system.printable import can_print, in_one_line
from selfplay.truth.solver import quick_solver
from selfplay.types import Game

HEIGHT = 6  # lines of the graph
STYLES = {"blunder": "red", "mistake": "magenta", "inaccuracy": "yellow", "": "cyan"}
SEATS = "first", "second"
_RESULTS = {1: "win", 0: "draw", -1: "loss"}
_TRUTHS = {1: "+", 0: "=", -1: "-"}  # for the first player, below the graph
_MARGIN = 7  # characters before the graph: "100% |"


class Review:
    """A game with what was judged of its moves so far, on a console.

    ``line``: its positions, each with what was played there; the first ``opening`` moves were
    random, so that nobody is blamed for them.
    """

    def __init__(
        self,
        game: Game,
        line: Sequence[Position],
        moves: Sequence[Judged],
        console: PlainConsole,
        players: tuple[str, str] = SEATS,
        opening: int = 0,
    ) -> None:
        self._game, self._line, self._moves, self._console = game, line, moves, console
        self._players, self._opening = players, opening
        self._two = game.num_players == 2
        self._own = [each for each in moves if each.ply >= opening]

    def show(self) -> None:
        """All of it, in ASCII where standard output has no blocks."""
        self._show_moves()
        if self._moves:
            self._show_graph(can_print(FINE))
            self._show_sums()
            self._show_worst()

    def _show_moves(self) -> None:
        truths = any(each.truth for each in self._moves)
        table = Table(box=None, pad_edge=False)
        table.add_column("#", justify="right")
        headings = ("by", "move", "win", "lost", "better", *(["truth"] if truths else []))
        for heading in headings:
            table.add_column(heading, justify="right" if heading in ("win", "lost") else "left")
        for each in self._moves:
            by = SEATS[each.mover] if each.ply >= self._opening else "random"
            sign = SIGNS[each.mark]
            name = self._game.action_name(each.action)
            row = (str(each.ply + 1), by, f"{name} {sign}".rstrip(), f"{each.win:.0%}")
            lost = f"{each.lost:.2f}" if each.mark else ""
            told = [_truth(each.truth)] if truths else []
            better = Text(self._names(each.line), no_wrap=True, overflow="ellipsis")
            table.add_row(*row, lost, better, *told, style=STYLES[each.mark] if sign else "")
        self._console.print(table)

    def _show_graph(self, fine: bool) -> None:
        """The first player's probability to win after each move, coloured by the mark of that."""
        room = max(8, self._console.width - _MARGIN)
        every = math.ceil(len(self._moves) / room)
        shown = self._moves[::every]
        wide = 2 if 2 * len(shown) <= room else 1
        styles = [STYLES[each.mark] for each in shown]
        lines = columns([each.win for each in shown], styles, HEIGHT, wide, fine)
        frame = "│" if fine else "|"
        who = "the first player's probability to win" if self._two else "the return, from -1 to 1,"
        self._console.print(f"\n{who} after each move", style="dim")
        for row, line in enumerate(lines):
            label = {0: "100%", HEIGHT // 2: "50%", HEIGHT - 1: "0%"}.get(row, "")
            self._console.print(Text.assemble(f"{label:>5} ", (frame, "dim"), line), no_wrap=True)
        if any(each.truth for each in shown):
            signs = "".join(wide * _first_truth(each) for each in shown)
            told = Text.assemble(f"{'truth':>5} ", (frame, "dim"), signs)
            self._console.print(told, no_wrap=True)
            self._console.print(
                f"{'':6} + the first player wins, = a draw, - he loses", style="dim"
            )

    def _show_sums(self) -> None:
        self._console.print()
        for mover in range(self._game.num_players):
            side = side_of(self._own, mover)
            if not side.moves:
                continue
            name = in_one_line(self._players[mover])
            who = SEATS[mover] if name == SEATS[mover] else f"{SEATS[mover]} ({name})"
            counts = (
                (side.inaccuracies, "inaccuracy", "inaccuracies"),
                (side.mistakes, "mistake", "mistakes"),
                (side.blunders, "blunder", "blunders"),
            )
            marks = ", ".join(f"{count} {one if count == 1 else all}" for count, one, all in counts)
            self._console.print(
                f"{who}: accuracy {side.accuracy:.1f}%, {side.loss:.3f} lost a move; {marks}",
                soft_wrap=True,
            )

    def _show_worst(self) -> None:
        """The worst moves, each with the board it was played on."""
        for each in worst(self._own):
            name = self._game.action_name(each.action)
            by = f"{SEATS[each.mover]} played " if self._two else ""
            ended = {True: ", and was punished", False: ", and was not punished", None: ""}
            truth = f" ({_truth(each.truth)})" if each.truth else ""
            sentence = (
                f"\nMove {each.ply + 1}: {by}{name}{SIGNS[each.mark]}, a {each.mark} that lost "
                f"{each.lost:.2f}{truth}{ended[each.punished]}. Better was "
                f"{self._names(each.line)}."
            ).replace("a inaccuracy", "an inaccuracy")
            self._console.print(sentence, style=STYLES[each.mark], soft_wrap=True)
            board = Text(self._game.text(self._line[each.ply].state, 0))
            self._console.print(board, soft_wrap=True)

    def _names(self, line: Sequence[int]) -> str:
        return " ".join(map(self._game.action_name, line))


def _truth(truth: Truth | None) -> str:
    """What best play brings who moved: before his move and, where that changed it, after."""
    if truth is None:
        return ""
    before, after = _RESULTS[truth.before], _RESULTS[truth.after]
    return before if before == after else f"{before} -> {after}"


def _first_truth(each: Judged) -> str:
    if each.truth is None:
        return " "
    return _TRUTHS[each.truth.after if each.mover == 0 else -each.truth.after]


def reviewed(session: GameSession, console: PlainConsole) -> Review:
    """The game of a session so far, judged by its agent and, where one is quick, the solver.

    Raises ValueError with a sentence where nothing has been played.
    """
    if len(session.history) == 1:
        raise ValueError("no move has been played: there is nothing to review")
    course = session.course(quick_solver(session.game))
    moves = by_ply(course.judge(session.history))
    return Review(session.game, session.history, moves, console, _players_of(session))


def save_session(session: GameSession, path: str) -> None:
    """Writes the game of a session behind those of a file, as ``save_game`` does."""
    tree = Variations.from_history(session.game, session.history)
    save_game(path, session.spec, tree, _players_of(session))


def _players_of(session: GameSession) -> tuple[str, str]:
    """Who has the first and who the second seat."""
    person, agent = "you", session.opponent.name
    return (agent, person) if session.side else (person, agent)
