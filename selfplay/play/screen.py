"""Playing on a whole screen of the terminal: board and panel stay in their places.

The commands are those of ``GameTerminal``; arrow keys choose a move as well.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from selfplay.play.panel import PANEL, course, course_line, moves_table, win_bar
from selfplay.play.session import GameSession, Opinion
from selfplay.play.terminal import HELP, GameTerminal
from selfplay.screens.board import LARGE, Marks, board_lines, cell_of
from selfplay.system.console import PlainConsole
from selfplay.system.graph import FINE
from selfplay.system.keys import Keyboard, Line, has_keys
from selfplay.system.printable import can_print
from selfplay.types import NO_ACTION, Drawn, State

LEAST = (30, 12)  # columns and rows of a terminal on which the screen has room
_ARROWS = {"up": (-1, 0), "down": (1, 0), "left": (0, -1), "right": (0, 1)}
_WAIT_S = 0.3  # for a key, before the size of the terminal is looked at again
_KEPT = 200  # lines of what was said


def has_screen(console: PlainConsole) -> bool:
    """Whether this is a terminal that can be redrawn, large enough, and keys can be read."""
    if sys.stdin is None or not sys.stdin.isatty() or not has_keys():
        return False
    width, height = console.size
    return console.is_live and width >= LEAST[0] and height >= LEAST[1]


class GameScreen(GameTerminal):
    """A game against an agent on the terminal's other screen."""

    def __init__(self, session: GameSession, keyboard: Keyboard, console: PlainConsole) -> None:
        super().__init__(session, console, self._read_keys)
        self._keyboard = keyboard
        self._line = Line(word.partition(" ")[0] for word in HELP if word != "MOVE")
        self._said: list[Text] = []
        self._chosen = NO_ACTION  # with the arrow keys
        self._shown: int | None = None  # the ply whose moves the panel shows; None: the latest
        self._busy = ""
        self._heard: tuple[int, Opinion] | None = None  # the ply that is being thought about
        session.hears = self._hear
        self._fine = can_print(f"{FINE}{LARGE}●•·")
        self._coloured = console.color_system is not None and not console.no_color
        self._live = Live(
            console=console, screen=True, auto_refresh=False,
            redirect_stdout=False, redirect_stderr=False, get_renderable=self._draw,
        )  # fmt: skip

    def run(self) -> None:
        """Goes on until the person leaves; then the board stays on the terminal's usual screen."""
        with self._keyboard:
            self._live.start()
            try:
                super().run()
            finally:
                self._live.stop()
        for line in (*self._board(), *self._said[-2:]):
            self._console.print(line, soft_wrap=True)

    # --- what GameTerminal says and draws ---

    def _say(self, sentence: str, style: str = "") -> None:
        self._said += [Text(line, style=style) for line in sentence.split("\n")]
        self._said = self._said[-_KEPT:]
        self._redraw()

    def do_board(self) -> None:
        self._shown, self._chosen, self._heard = None, NO_ACTION, None
        self._redraw()

    def do_review(self) -> None:
        """On the usual screen, where it can be scrolled; a key leads back."""
        self._live.stop()
        try:
            super().do_review()
            self._console.print("\nA key goes back to the game.", style="dim")
            while not self._keyboard.read(_WAIT_S):
                pass
        finally:
            self._live.start(refresh=True)

    def _table(self, ply: int) -> None:
        self._shown = ply
        self._opinion(ply)
        self._tell_line(ply)

    def _opinion(self, ply: int = -1) -> Opinion:
        session = self._session
        if session.known(ply % len(session.history)) is None and not session.now.over:
            self._think_aloud()
        try:
            return super()._opinion(ply)
        finally:
            self._busy = ""

    def _move(self, action: int) -> None:
        self._think_aloud()  # by what the move cost: the reply is searched for it
        try:
            super()._move(action)
        finally:
            self._busy = ""

    def _think_aloud(self) -> None:
        self._busy = f"{self._session.opponent.name} is thinking ..."
        self._redraw()

    def _hear(self, state: State, opinion: Opinion) -> None:
        """Shows what is found of a position of the game; others are looked at for a line of it."""
        plies = (ply for ply, at in enumerate(self._session.history) if at.state is state)
        if (ply := next(plies, None)) is not None:
            self._heard = ply, opinion
            self._redraw()

    # --- the keys ---

    def _read_keys(self, prompt: str) -> str:
        """The line that is typed, or the name of the move that is chosen with the arrow keys."""
        size, key = None, "redraw"
        while True:
            if key or self._console.size != size:
                size = self._console.size
                self._redraw()
            key = self._keyboard.read(_WAIT_S)
            line = self._line
            if key == "enter":
                return self._entered()
            if key == "end of input" and not line.text:
                raise EOFError
            if key in _ARROWS and not line.text:
                self._choose(*_ARROWS[key])
            else:
                line.press(key)
                self._chosen = NO_ACTION if line.text else self._chosen

    def _entered(self) -> str:
        chosen, self._chosen = self._chosen, NO_ACTION
        if not self._line.text and chosen != NO_ACTION:
            return self._session.game.action_name(chosen)
        return self._line.take()

    def _choose(self, down: int, right: int) -> None:
        """Moves the choice to the nearest legal move in that direction, if there is one."""
        legal = self._session.legal()
        if not legal:
            return
        places = dict(zip(legal, self._places(legal), strict=True))
        if self._chosen not in places:
            middle = np.mean(list(places.values()), axis=0)
            self._chosen = min(legal, key=lambda a: float(np.abs(places[a] - middle).sum()))
            return
        here = places[self._chosen]
        best = (np.inf, self._chosen)
        for action, place in places.items():
            ahead = float((place - here) @ (down, right))
            aside = float(np.abs((place - here) @ (right, down)))
            if ahead > 0:
                best = min(best, (ahead + 2 * aside, action))
        self._chosen = best[1]

    def _places(self, legal: list[int]) -> list[Any]:
        """Row and column of each legal move; of those beside a board, and without one, a row."""
        game, board = self._session.game, None
        if isinstance(game, Drawn):
            board = game.board(self._session.now.state, 0)
        cells = [cell_of(board, action) if board is not None else None for action in legal]
        below = 0 if board is None else board.cells.shape[0]
        if board is not None and len({cell[1] for cell in cells if cell}) == len(legal):
            cells = [(0, cell[1]) if cell else None for cell in cells]  # one a column: side by side
        return [np.array(cell or (below, order)) for order, cell in enumerate(cells)]

    # --- the picture ---

    def _redraw(self) -> None:
        if self._live.is_started:
            self._live.refresh()

    def _board(self, large: bool = False) -> list[Text]:
        session = self._session
        last = session.history[-2].action if len(session.history) > 1 else NO_ACTION
        marks = Marks(last, tuple(session.legal()), self._chosen)
        return board_lines(
            session.game, session.now.state, marks, self._coloured, self._fine, large
        )

    def _draw(self) -> RenderableType:
        width, height = self._console.size
        board = self._board(large=True)
        across = max(line.cell_len for line in board) + 3 + PANEL
        if across > width or len(board) + 5 > height:
            board = self._board()
        middle: list[RenderableType]
        columns = max(line.cell_len for line in board)
        head = self._head(width)
        if width >= columns + 3 + PANEL:
            side = Table.grid(padding=(0, 3, 0, 0))
            side.add_column(width=columns)
            side.add_column(width=width - columns - 6)
            rows = max(len(board), height - 6)
            side.add_row(Group(*board), self._panel(width - columns - 6, min(rows, 18)))
            used, middle = 1 + max(len(board), min(rows, 18)), [side]
        else:
            spare = height - len(board) - 6
            panel = self._panel(width - 1, min(max(0, spare), 8))
            used = 1 + len(board) + min(max(2, spare), 8)
            middle = [*board, panel]
        room = max(1, height - used - 2)
        said = [line for each in self._said[-room:] for line in each.wrap(self._console, width)]
        return Group(head, *middle, *said[-room:], self._typed(width))

    def _head(self, width: int) -> Text:
        session = self._session
        against = "advised by" if session.game.num_players == 1 else "against"
        text = Text(f"{session.game.name} {against} {session.opponent.name}", "bold", no_wrap=True)
        text.truncate(width - 1, overflow="ellipsis")
        return text

    def _panel(self, width: int, height: int) -> Group:
        """Bar and course; the moves that were searched too where there is height for them."""
        session = self._session
        two = session.game.num_players == 2
        chances = course(session)
        lines: list[RenderableType] = [
            win_bar(chances, width, self._fine, two),
            course_line(chances, width, self._fine),
        ]
        ply, opinion = self._panel_opinion()
        if opinion is None or height < 6:
            return Group(*lines)
        mine = session.history[ply].mover == session.side
        played = session.history[ply].action
        title = "Your moves" if mine else f"{session.opponent.name}'s moves"
        if played != NO_ACTION:
            title += f", {session.game.action_name(played)} was played"
        told = [Text(f"\n{title}", "bold")]
        if len(opinion.line) > 1 and height > 6:
            told.append(Text(f"expects {' '.join(map(session.game.action_name, opinion.line))}"))
        for text in told:
            text.truncate(width, overflow="ellipsis")
        most = height - 5 - len(told)
        return Group(*lines, *told, moves_table(session, ply, opinion, most))

    def _panel_opinion(self) -> tuple[int, Opinion | None]:
        """A ply and what is thought there: what is being searched, else what has been."""
        if self._heard is not None and self._session.known(self._heard[0]) is None:
            return self._heard
        ply = self._panel_ply()
        return (0, None) if ply is None else (ply, self._session.known(ply))

    def _panel_ply(self) -> int | None:
        """The ply that was asked for, else that of the agent's latest move."""
        session = self._session
        if self._shown is not None and self._shown < len(session.history):
            return self._shown
        if session.game.num_players == 1:
            return None
        plies = [ply for ply, at in enumerate(session.history[:-1]) if at.mover != session.side]
        return plies[-1] if plies else None

    def _typed(self, width: int) -> Text:
        if self._busy:
            return Text(self._busy, "italic", no_wrap=True)
        line, prompt = self._line, self._prompt()
        text = Text(prompt, "bold", no_wrap=True)
        before, behind = line.text[: line.caret], line.text[line.caret :]
        room = max(1, width - len(prompt) - 2)
        text.append(before[-room:], "not bold")
        text.append(behind[:1] or " ", "reverse").append(behind[1:], "not bold")
        if not line.text:
            hint = " type, or choose with the arrow keys"
            if self._chosen != NO_ACTION:
                hint = f" Enter plays {self._session.game.action_name(self._chosen)}"
            text.append(hint, "not bold dim")
        text.truncate(width - 1)
        return text
