"""Playing in the terminal: a line in, a board out, and what the agent thinks of it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from rich.text import Text

from selfplay.play.panel import moves_table, ranked
from selfplay.play.review import reviewed, save_session
from selfplay.play.session import GameSession, Opinion
from selfplay.system.console import PlainConsole, read_line, waiting

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
    "review": "the game so far: what each move cost, and what was better",
    "save FILE": "write the game behind those of a file, for `selfplay review`",
    "new": "begin a new game",
    "help": "this list",
    "quit": "leave",
}
SHORT = {"?": "help", "h": "hint", "u": "undo", "q": "quit", "exit": "quit", "moves": "think"}


class Terminal:
    """One person at one terminal; ``read`` prompts for a line and raises EOFError at the end.

    A subclass says what the commands are; its method ``do_x`` does the command x.
    """

    commands: ClassVar[Mapping[str, str]]  # what can be typed, with its meaning

    def __init__(
        self, console: PlainConsole | None = None, read: Callable[[str], str] = read_line
    ) -> None:
        """Without ``console`` it is standard output, in colour where the terminal has it."""
        self._console, self._read = console or PlainConsole(), read

    def run(self) -> None:
        """Goes on until the person leaves, by a command, the end of the input or Ctrl-C."""
        try:
            self._greet()
            while True:
                line = self._read(self._prompt()).strip()
                if self._leaves(line):
                    break
                if line:
                    try:
                        self._answer(line)
                    except ValueError as error:
                        self._say(str(error))
        except (EOFError, KeyboardInterrupt):
            self._say("")
        self._say("Bye.")

    def _greet(self) -> None:
        """Says what can be done, and shows where the person is."""
        raise NotImplementedError

    def _prompt(self) -> str:
        return "> "

    def _leaves(self, line: str) -> bool:
        raise NotImplementedError

    def _answer(self, line: str) -> None:
        """Does what ``line`` says; ValueError with a sentence where it says nothing."""
        raise NotImplementedError

    def _guess(self, word: str, known: Iterable[str]) -> str:
        """What may have been meant by a word that is no command."""
        near = difflib.get_close_matches(word, known, n=1)
        return f"did you mean '{near[0]}'?" if near else "'help' lists what you can type"

    def do_help(self) -> None:
        width = max(map(len, self.commands)) + 1
        for word, meaning in self.commands.items():
            self._say(f"  {word:{width}} {meaning}")

    def _say(self, sentence: str, style: str = "") -> None:
        self._console.print(sentence, style=style, soft_wrap=True)


class GameTerminal(Terminal):
    """A game against an agent."""

    commands = HELP

    def __init__(self, session: GameSession, *streams: Any) -> None:
        super().__init__(*streams)
        self._session = session

    def _prompt(self) -> str:
        return "your move> " if self._session.is_persons_turn else "> "

    def _leaves(self, line: str) -> bool:
        return SHORT.get(line, line) == "quit"

    def _answer(self, line: str) -> None:
        """Does what ``line`` says; an action's name comes before a command's."""
        word = SHORT.get(line.lower(), line.lower())
        try:
            action = self._session.parse(line)
        except ValueError as error:
            method = getattr(self, f"do_{word}", None)
            if word.partition(" ")[0] == "save":
                self._save(line.partition(" ")[2].strip())
                return
            if method is None:
                guess = self._guess(word, [*HELP][1:])  # not MOVE
                raise ValueError(f"{error} ({guess})") from error
            method()
        else:
            self._move(action)

    def _greet(self) -> None:
        session = self._session
        game, player = session.game, session.opponent.name
        if game.num_players == 1:
            self._say(f"{game.name}: you play, {player} advises.")
        else:
            self._say(
                f"{game.name} against {player}: you move {('first', 'second')[session.side]}."
            )
        self._say("Type a move, or: hint, think, why, undo, go, new, help, quit.")
        self.do_board()
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
            self.do_board()
        if session.is_persons_turn and session.game.num_players == 2:
            self._say("You move again.")
        self._let_agent_move()
        if session.now.over:
            self._announce()

    def _let_agent_move(self) -> None:
        session = self._session
        while not session.now.over and not session.is_persons_turn:
            self._opinion()  # by which the reply is chosen
            opinion = session.reply()
            session.play(opinion.action)
            name = session.game.action_name(opinion.action)
            self._say(f"{session.opponent.name} plays {name} and expects {opinion.value:+.2f}.")
            self.do_board()
            if not session.now.over and not session.is_persons_turn:
                self._say(f"{session.opponent.name} moves again.")

    def _announce(self) -> None:
        outcome = self._session.outcome()
        if self._session.game.num_players == 1:
            self._say(f"The game is over: your return is {outcome:+.2f}.", "bold")
        else:
            words = "You win!" if outcome > 0 else "You lost." if outcome < 0 else "A draw."
            self._say(words, "bold")
        self._say("'new' begins another game, 'undo' takes back your last move, 'quit' leaves.")

    def do_hint(self) -> None:
        opinion = self._opinion()
        name = self._session.game.action_name(opinion.action)
        self._say(f"{self._session.player.name} would play {name}, expecting {opinion.value:+.2f}.")

    def do_think(self) -> None:
        self._table(len(self._session.history) - 1)

    def do_why(self) -> None:
        session = self._session
        plies = [ply for ply, at in enumerate(session.history[:-1]) if at.mover != session.side]
        if not plies:
            raise ValueError("the agent has not moved yet ('think' shows your own moves)")
        self._table(plies[-1])

    def _opinion(self, ply: int = -1) -> Opinion:
        """What the agent thinks of the position after ``ply`` moves; it may take a while."""
        return self._session.opinion(ply)

    def _table(self, ply: int) -> None:
        """Draws the moves after ``ply`` moves, the best first."""
        opinion = self._opinion(ply)
        self._console.print(moves_table(self._session, ply, opinion, ROWS))
        more = len(ranked(self._session, ply, opinion)) - ROWS
        if more > 0:
            self._say(f"and {more} more")
        self._tell_line(ply)

    def _tell_line(self, ply: int) -> None:
        """Says what is expected after ``ply`` moves, and the line of play."""
        session, opinion = self._session, self._opinion(ply)
        name = session.game.action_name(opinion.action)
        net = opinion.net
        alone = f"The net alone expects {float(net.value):+.2f}. " if net else ""
        self._say(f"{alone}With {name} {session.player.name} expects {opinion.value:+.2f}.")
        line = session.variation(ply, LINE)
        if len(line) > 1:
            self._say(f"It expects {' '.join(map(session.game.action_name, line))}.")

    def do_undo(self) -> None:
        self._session.undo()
        self.do_board()

    def do_go(self) -> None:
        opinion = self._opinion()
        self._say(f"{self._session.player.name} plays for you.")
        self._move(opinion.action)

    def do_review(self) -> None:
        with waiting("reviewing"):
            review = reviewed(self._session, self._console)
        review.show()

    def _save(self, name: str) -> None:
        if not name:
            raise ValueError("name the file: save FILE")
        save_session(self._session, name)
        self._say(f"The game is in {name}; 'selfplay review' reads it.")

    def do_new(self) -> None:
        self._session.restart()
        self.do_board()
        self._let_agent_move()

    def do_board(self) -> None:
        session = self._session
        board = Text(session.game.text(session.now.state, 0))
        board.highlight_regex(r"(?<!\S)[Xx](?!\S)", "bold red")
        board.highlight_regex(r"(?<!\S)[Oo](?!\S)", "bold yellow")
        self._console.print(board, soft_wrap=True)
