"""A proof attempt walked in the terminal: the position, what is possible, what the net thinks."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.proving.calculus.matrix import build_library
from envs.proving.calculus.tableau import OPTIONS, OVER, PROVED, RUNNING
from envs.proving.game import ProvingState
from envs.proving.logic.clausify import clausify
from envs.proving.logic.formula import Problem
from envs.proving.proofs.extract import proof_of
from envs.proving.proofs.tableau_text import tableau_text
from selfplay import arrays
from selfplay.proving.guided import Guide
from selfplay.proving.prover import judge
from selfplay.search import Forest
from selfplay.search.forest import plant
from selfplay.search.model import BEST
from selfplay.search.tree import ROOT
from selfplay.system.console import PlainConsole
from selfplay.system.console import read_line as _read_line
from selfplay.system.printable import can_print

ROOM = 20_000  # simulations at one position
HELP = {
    "NUMBER": "make that inference",
    "s N": "search on with N simulations",
    "u": "take back the last inference",
    "go": "make the best inferences until the end",
    "b": "show the position again",
    "proof": "the proof, once every branch is closed",
    "help": "this list",
    "q": "leave",
}
LONG = {"undo": "u", "search": "s", "board": "b", "quit": "q", "exit": "q", "?": "help"}
SHOWN = 24  # inferences in the table


class Known(NamedTuple):
    """A position on the way and what was found out about it."""

    state: ProvingState  # one, arrays [1, ...]
    forest: Forest | None  # None where the attempt is over
    lots: NDArray[np.float64]  # [A], by which equal inferences are ordered


class Walk:
    """An attempt at a problem, with undo; every position keeps its own tree."""

    def __init__(self, guide: Guide, problem: Problem) -> None:
        """Raises ValueError when the problem is too large."""
        self.problem, self.form = problem, clausify(problem)
        self._search = guide.search
        self.game = guide.game.on(build_library([self.form]))
        self._model = guide.search.model(self.game, guide.opinions(self.game))
        self._rng = np.random.default_rng(0)
        self.way = [self._reached(self.game.start(np.zeros(1, np.int32)))]

    @property
    def now(self) -> Known:
        return self.way[-1]

    @property
    def options(self) -> int:
        """How many inferences are possible."""
        return int(self.now.state.tableau.scalars[0, OPTIONS])

    def is_over(self) -> bool:
        return bool(self.now.state.tableau.scalars[0, OVER] != RUNNING)

    def is_proved(self) -> bool:
        return bool(self.now.state.tableau.scalars[0, OVER] == PROVED)

    def _reached(self, state: ProvingState) -> Known:
        lots = self._rng.random(self.game.num_actions)
        if state.tableau.scalars[0, OVER] != RUNNING:
            return Known(state, None, lots)
        return Known(state, plant(self._model, state, ROOM + 1), lots)

    def think(self, simulations: int) -> None:
        """Searches on at the present position."""
        if self.now.forest is not None:
            budget = np.array([simulations], np.int32)
            calm = np.zeros(1, np.bool_)
            self._search.search(self.now.forest, self._model, self._rng, calm, budget)

    def is_full(self) -> bool:
        """Whether searching on is of no use: the tree has all the nodes it may have."""
        forest = self.now.forest
        return forest is not None and int(forest.tree.size[0]) == forest.tree.visits.shape[1]

    def play(self, action: int) -> None:
        """Makes an inference."""
        state, _ = self.game.step(self.now.state, np.array([action], np.int32))
        self.way.append(self._reached(state))

    def undo(self) -> None:
        """Takes back the last inference; ValueError where there is none."""
        if len(self.way) == 1:
            raise ValueError("this is where the attempt begins")
        self.way.pop()

    def best(self) -> int:
        """The inference that wins for sure, else the most visited, else the likeliest.

        Equal ones are ordered by a lot that the position keeps.
        """
        forest = self.now.forest
        assert forest is not None
        know = forest.summary()
        worth = np.where(know.dominated[0], -1.0, know.visits[0] + know.prior[0])
        sure = know.solved[0] & (know.qvalues[0] >= BEST)
        likeliest = sure if sure.any() else worth == worth.max()
        return int(np.where(likeliest, self.now.lots, -1.0).argmax())


class Explorer:
    """One person at one terminal; ``read`` prompts for a line and raises EOFError at the end."""

    def __init__(
        self, walk: Walk, simulations: int, console: PlainConsole, read: Callable[[str], str]
    ) -> None:
        self._walk, self._simulations = walk, simulations
        self._console, self._read = console, read

    def run(self) -> None:
        """Walks until the person leaves, by ``q``, the end of the input or Ctrl-C."""
        walk = self._walk
        try:
            self._say("Type the number of an inference, or: s N, u, go, b, proof, help, q.")
            if not walk.form.conjecture:
                self._say("There is no conjecture: the axioms are to be refuted.")
            self._show()
            while True:
                words = self._read("> ").split()
                if words and LONG.get(words[0], words[0]) == "q":
                    break
                if words:
                    self._answer(LONG.get(words[0], words[0]), words[1:])
        except (EOFError, KeyboardInterrupt):
            self._say("")
        self._say("Bye.")

    def _answer(self, word: str, more: list[str]) -> None:
        try:
            if word.isdecimal() and not more:
                self._make(int(word[:10]))
            elif word == "s":
                self._think(more)
            elif word == "u":
                self._walk.undo()
                self._show()
            elif word in ("go", "b", "proof", "help"):
                {"go": self._go, "b": self._show, "proof": self._proof, "help": self._help}[word]()
            else:
                near = difflib.get_close_matches(word, [*HELP, *LONG], n=1)
                hint = f"did you mean {near[0]!r}?" if near else "'help' lists what you can type"
                raise ValueError(f"{' '.join([word, *more])!r} is no inference ({hint})")
        except ValueError as error:
            self._say(str(error))

    def _make(self, number: int) -> None:
        walk = self._walk
        if walk.is_over():
            raise ValueError("the attempt is over: 'u' takes back the last inference")
        if not 1 <= number <= walk.options:
            raise ValueError(f"{number} is not a number from 1 to {walk.options}")
        walk.play(number - 1)
        self._show()

    def _think(self, more: list[str]) -> None:
        if self._walk.is_over():
            raise ValueError("the attempt is over: 'u' takes back the last inference")
        if len(more) > 1 or (more and not (more[0].isdecimal() and more[0].strip("0"))):
            raise ValueError("say how many simulations, as in 's 500'")
        if more and (len(more[0]) > 10 or int(more[0]) > ROOM):
            raise ValueError(f"a position has room for {ROOM:,} simulations, as in 's 500'")
        self._walk.think(int(more[0]) if more else self._simulations)
        self._show(think=False)

    def _go(self) -> None:
        walk = self._walk
        while not walk.is_over():
            self._look()
            action = walk.best()
            text = self._inferences()[action]
            walk.play(action)
            self._say(f"{len(walk.way) - 1:4}  {text}")
        self._show()

    def _look(self) -> None:
        """Searches where nothing was searched yet."""
        forest = self._walk.now.forest
        if forest is not None and forest.tree.size[0] == 1 and self._simulations:
            self._walk.think(self._simulations)

    def _proof(self) -> None:
        walk = self._walk
        if not walk.is_proved():
            raise ValueError("there is no proof yet: some branches are open ('go' tries on)")
        proof = proof_of(walk.game.library, 0, arrays.take(walk.now.state.tableau, 0))
        verdict = judge(walk.problem, walk.form, proof)
        self._say(tableau_text(proof, walk.form, can_print("├─└│")))
        self._say(f"{'checked' if verdict else 'NOT ACCEPTED by the checker'}: {verdict.reason}")

    def _help(self) -> None:
        for word, meaning in HELP.items():
            self._say(f"  {word:7} {meaning}")

    def _inferences(self) -> list[str]:
        """Those that are possible, as text."""
        _, lines = self._text()
        return [line.split(maxsplit=1)[1] for line in lines]

    def _text(self) -> tuple[str, list[str]]:
        """The position, and a line for each inference."""
        whole = self._walk.game.text(self._walk.now.state, 0)
        position, _, inferences = whole.partition("\ninferences:\n")
        return position, inferences.splitlines()

    def _show(self, think: bool = True) -> None:
        walk = self._walk
        if think:
            self._look()
        position, lines = self._text()
        self._say(position)
        if walk.now.forest is None:
            end = "every branch is closed ('proof' shows the proof)"
            self._say(end if walk.is_proved() else "nothing is possible here ('u' takes it back)")
            return
        know = walk.now.forest.summary()
        best = walk.best()
        worth = [
            (a != best, -int(know.visits[0, a]), -float(know.prior[0, a]), a)
            for a in range(len(lines))
        ]
        self._say("       prior  visits      Q")
        for *_, action in sorted(worth)[:SHOWN]:
            number, text = lines[action].split(maxsplit=1)
            q = float(know.qvalues[0, action])
            told = "" if np.isnan(q) else f"{q:+.2f}"
            if know.solved[0, action]:
                told = "proof" if q > 0 else "lost"
            self._say(
                f"{number:>4}  {know.prior[0, action]:6.1%}  {know.visits[0, action]:6}  {told:>5}"
                f"  {text}"
            )
        if len(lines) > SHOWN:
            self._say(f"and {len(lines) - SHOWN} more")
        if walk.is_full():
            self._say(f"The search has no room for more than {ROOM:,} positions.")
        self._say(
            f"The net expects {know.raw_value[0]:+.2f}, the search {know.value[0]:+.2f} after "
            f"{walk.now.forest.tree.visits[0, ROOT] - 1:,} simulations (+1: proved)."
        )

    def _say(self, sentence: str) -> None:
        self._console.print(sentence, soft_wrap=True)


def explore_in_terminal(walk: Walk, simulations: int) -> None:
    """Walks on standard input and output."""
    Explorer(walk, simulations, PlainConsole(), _read_line).run()
