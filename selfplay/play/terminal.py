"""Playing in the terminal: a line in, a board out, and what the agent thinks of it."""

from __future__ import annotations

import difflib
from collections.abc import Callable

import numpy as np
from rich.table import Table
from rich.text import Text

from selfplay.play.session import Session
from selfplay.system.console import PlainConsole
from selfplay.system.console import read_line as _read_line

COSTLY = 0.1  # a move that loses this much return is worth a word
ROWS = 12  # moves shown in a table
LINE = 5  # moves of the line of play that the agent expects
HELP = {
    "MOVE": "play a move, written as on the board",
    "hint": "the move the agent would play for you",
    "think": "a table of your moves: what the net and the search think of each",
    "why": "the same table for the agent's last move",
    "undo": "take back your last move",
    "go": "let the agent move for you",
    "board": "draw the board again",
    "new": "begin a new game",
    "help": "this list",
    "quit": "leave",
}
SHORT = {"?": "help", "h": "hint", "u": "undo", "q": "quit", "exit": "quit", "moves": "think"}


class Terminal:
    """One person at one terminal; ``read`` prompts for a line and raises EOFError at the end."""

    def __init__(self, session: Session, console: PlainConsole, read: Callable[[str], str]) -> None:
        self._session, self._console, self._read = session, console, read
        self._verbs: dict[str, Callable[[], None]] = {
            "hint": self._hint,
            "think": self._think,
            "why": self._why,
            "undo": self._undo,
            "go": self._go,
            "board": self._board,
            "new": self._new,
            "help": self._help,
        }

    def run(self) -> None:
        """Plays until the person leaves, by ``quit``, the end of the input or Ctrl-C."""
        try:
            self._greet()
            self._begin()
            while True:
                line = self._read("your move> " if self._session.is_persons_turn else "> ").strip()
                if SHORT.get(line, line) == "quit":
                    break
                if line:
                    self._answer(line)
        except (EOFError, KeyboardInterrupt):
            self._say("")
        self._say("Bye.")

    def _answer(self, line: str) -> None:
        """Does what ``line`` says; an action's name comes before a command's."""
        word = SHORT.get(line.lower(), line.lower())
        try:
            action = self._session.parse(line)
        except ValueError as error:
            if word not in self._verbs:
                near = difflib.get_close_matches(word, [*self._verbs, "quit"], n=1)
                hint = f"did you mean '{near[0]}'?" if near else "'help' lists what you can type"
                self._say(f"{error} ({hint})")
                return
        else:
            self._move(action)
            return
        try:
            self._verbs[word]()
        except ValueError as error:
            self._say(str(error))

    def _greet(self) -> None:
        session = self._session
        if session.game.num_players == 1:
            self._say(f"{session.game.name}: you play, {session.player.name} advises.")
        else:
            seat = "second" if session.side else "first"
            self._say(f"{session.game.name} against {session.player.name}: you move {seat}.")
        self._say("Type a move, or: hint, think, why, undo, go, new, help, quit.")

    def _begin(self) -> None:
        self._board()
        self._let_agent_move()

    def _move(self, action: int) -> None:
        """Plays the person's move, says what it cost, and lets the agent answer."""
        session = self._session
        ply = len(session.history) - 1
        session.play(action)
        lost = session.loss(ply)
        if lost >= COSTLY:
            better = session.game.action_name(session.opinion(ply).action)
            self._say(
                f"Your move lost {lost:.2f}: {better} was better. 'undo' lets you try again.",
                "yellow",
            )
        if session.now.over or session.is_persons_turn:
            self._board()
        if session.is_persons_turn and session.game.num_players == 2:
            self._say("You move again.")
        self._let_agent_move()
        if session.now.over:
            self._announce()

    def _let_agent_move(self) -> None:
        session = self._session
        while not session.now.over and not session.is_persons_turn:
            opinion = session.opinion()
            session.play(opinion.action)
            name = session.game.action_name(opinion.action)
            self._say(f"{session.player.name} plays {name} and expects {opinion.value:+.2f}.")
            self._board()
            if not session.now.over and not session.is_persons_turn:
                self._say(f"{session.player.name} moves again.")

    def _announce(self) -> None:
        outcome = self._session.outcome()
        if self._session.game.num_players == 1:
            self._say(f"The game is over: your return is {outcome:+.2f}.", "bold")
        else:
            words = "You win!" if outcome > 0 else "You lost." if outcome < 0 else "A draw."
            self._say(words, "bold")
        self._say("'new' begins another game, 'undo' takes back your last move, 'quit' leaves.")

    def _hint(self) -> None:
        opinion = self._session.opinion()
        name = self._session.game.action_name(opinion.action)
        self._say(f"{self._session.player.name} would play {name}, expecting {opinion.value:+.2f}.")

    def _think(self) -> None:
        self._table(len(self._session.history) - 1)

    def _why(self) -> None:
        session = self._session
        plies = [ply for ply, at in enumerate(session.history[:-1]) if at.mover != session.side]
        if not plies:
            raise ValueError("the agent has not moved yet ('think' shows your own moves)")
        self._table(plies[-1])

    def _table(self, ply: int) -> None:
        """Draws the moves after ``ply`` moves, the best first."""
        session, opinion = self._session, self._session.opinion(ply)
        decision, net, two = opinion.decision, opinion.net, session.game.num_players == 2
        searched = ["visits"] if decision.visits.any() else []  # a solver, say, visits nothing
        table = Table(box=None, pad_edge=False)
        for heading in (
            "move",
            *(["net"] if net else []),
            "policy",
            *searched,
            "win" if two else "Q",
        ):
            table.add_column(heading, justify="left" if heading == "move" else "right")
        legal = np.flatnonzero(session.game.legal(session.history[ply].state)[0])
        worth = np.nan_to_num(decision.qvalues, nan=-2.0)
        order = sorted(legal, key=lambda a: (a != opinion.action, -decision.policy[a], -worth[a]))
        for action in map(int, order[:ROWS]):
            q = decision.qvalues[action]
            table.add_row(
                session.game.action_name(action),
                *([f"{net.policy[action]:.1%}"] if net else []),
                f"{decision.policy[action]:.1%}",
                *([str(decision.visits[action])] if searched else []),
                "" if np.isnan(q) else f"{(1 + q) / 2:.1%}" if two else f"{q:+.2f}",
            )
        self._console.print(table)
        if len(order) > ROWS:
            self._say(f"and {len(order) - ROWS} more")
        name = session.game.action_name(opinion.action)
        alone = f"The net alone expects {float(net.value):+.2f}. " if net else ""
        self._say(f"{alone}With {name} {session.player.name} expects {opinion.value:+.2f}.")
        line = session.variation(ply, LINE)
        if len(line) > 1:
            self._say(f"It expects {' '.join(map(session.game.action_name, line))}.")

    def _undo(self) -> None:
        self._session.undo()
        self._board()

    def _go(self) -> None:
        opinion = self._session.opinion()
        self._say(f"{self._session.player.name} plays for you.")
        self._move(opinion.action)

    def _new(self) -> None:
        self._session.restart()
        self._begin()

    def _help(self) -> None:
        for word, meaning in HELP.items():
            self._say(f"  {word:6} {meaning}")

    def _board(self) -> None:
        session = self._session
        board = Text(session.game.text(session.now.state, 0))
        board.highlight_regex(r"(?<!\S)[Xx](?!\S)", "bold red")
        board.highlight_regex(r"(?<!\S)[Oo](?!\S)", "bold yellow")
        self._console.print(board, soft_wrap=True)

    def _say(self, sentence: str, style: str = "") -> None:
        self._console.print(sentence, style=style, soft_wrap=True)


def play_in_terminal(session: Session) -> None:
    """Plays ``session`` on standard input and output, in colour where the terminal has it."""
    Terminal(session, PlainConsole(), _read_line).run()
