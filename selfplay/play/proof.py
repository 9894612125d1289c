"""A proof attempt walked in the terminal: the position, what is possible, what the net thinks."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.proving.calculus.matrix import build_library
from envs.proving.calculus.tableau import INFERENCES, OVER, PROVED, RUNNING, Tableau
from envs.proving.game import ProvingState
from envs.proving.logic.clausify import clausify
from envs.proving.logic.formula import Problem
from envs.proving.proofs.extract import proof_of
from envs.proving.proofs.proof_text import tableau_text
from selfplay import arrays
from selfplay.play.session import Session
from selfplay.play.terminal import Terminal
from selfplay.players.limits import Limit
from selfplay.proving.lessons import moves_of
from selfplay.proving.prover import GAVE_UP, THEOREM, UNSATISFIABLE, Result, judge
from selfplay.proving.searches import Guide
from selfplay.proving.trials import winning_line
from selfplay.search import Forest
from selfplay.search.forest import plant
from selfplay.search.model import BEST
from selfplay.search.tree import ROOT
from selfplay.system.printable import can_print

ROOM = 20_000  # simulations at one position
SLICE = 25  # simulations between two looks at the clock
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


class Thought(NamedTuple):
    """What was found out about a position."""

    forest: Forest  # its tree
    lots: NDArray[np.float64]  # [A], by which equal inferences are ordered


class Inference(NamedTuple):
    """What the net and the search think of an inference that is possible."""

    action: int
    prior: float
    visits: int
    value: float | None  # in [-1, 1]; None where nothing is known
    solved: bool  # the value is proven


class ProofSession(Session[Thought]):
    """An attempt at a problem; every position keeps its own tree."""

    ended = "the attempt is over: 'u' takes back the last inference"
    begins = "this is where the attempt begins"

    def __init__(self, guide: Guide, problem: Problem) -> None:
        """Raises ValueError when the problem is too large."""
        self.problem, self.form = problem, clausify(problem)
        self.library = build_library([self.form])
        self.rules = game = guide.game.on(self.library)
        self._search, self._model = guide.search, guide.search.model(game, guide.opinions(game))
        super().__init__(game, 0, np.random.default_rng(0))

    def restart(self) -> None:
        """Begins anew; the attempt may be over before the first inference."""
        super().restart()
        over = self.now.state.tableau.scalars[0, OVER]
        if over != RUNNING:
            self.history = [self.now._replace(over=True, paid=(1.0 if over == PROVED else -1.0, 0))]

    def _think(self, state: ProvingState) -> Thought:
        lots = self._rng.random(self.game.num_actions)
        return Thought(plant(self._model, state, ROOM + 1), lots)

    def search(self, simulations: int) -> None:
        """Searches on at the present position, unless the attempt is over."""
        if not self.now.over:
            budget, calm = np.array([simulations], np.int32), np.zeros(1, np.bool_)
            self._search.search(self.opinion().forest, self._model, self._rng, calm, budget)

    def search_within(self, limit: Limit, clock: Callable[[], float] = time.monotonic) -> None:
        """Searches on for so many simulations, or as long as the limit says."""
        ends = None if limit.seconds is None else clock() + limit.seconds
        if ends is None:
            self.search(limit.simulations or 0)
        while ends is not None and clock() < ends and self.may_search:
            before = self.simulations
            self.search(SLICE)
            if self.simulations == before:
                break

    @property
    def simulations(self) -> int:
        """Those at the present position so far."""
        return int(self.opinion().forest.tree.nodes["visits"][0, ROOT]) - 1

    @property
    def may_search(self) -> bool:
        """Whether a search at the present position can find out more: it has room, and is not
        sure how the position ends."""
        if self.now.over:
            return False
        tree = self.opinion().forest.tree
        here = tree.nodes[0, ROOT]
        return bool(here["lower"] < here["upper"] and tree.size[0] < tree.nodes.shape[1])

    def is_proved(self) -> bool:
        return self.now.over and self.outcome() > 0

    @property
    def tableau(self) -> Tableau:
        """That of the present position."""
        tableau: Tableau = arrays.take(self.now.state.tableau, 0)
        return tableau

    def result(self, closed: Tableau | None = None) -> Result:
        """What the checker says of the proof that ``closed`` is, by default the present position.

        The proof of a result that is refused is there to be looked at.
        """
        proof = proof_of(self.library, 0, self.tableau if closed is None else closed)
        verdict = judge(self.problem, self.form, proof)
        proved = THEOREM if self.form.conjecture else UNSATISFIABLE
        made = int(self.tableau.scalars[INFERENCES])
        return Result(
            self.problem, self.form, proved if verdict else GAVE_UP, proof, made, 0.0, "",
            verdict.reason, not verdict,
        )  # fmt: skip

    def follow(self, closed: Tableau) -> bool:
        """Begins anew and makes the inferences of a proof found elsewhere.

        False, and nothing done, where the game's limits do not hold it.
        """
        moves = moves_of(self.rules, 0, closed)
        if moves is None:
            return False
        self.restart()
        for move in moves:
            self.play(move)
        return True

    def inferences(self) -> list[Inference]:
        """Those that are possible, the best first, then by visits and prior; none at the end."""
        if self.now.over:
            return []
        summary, best = self.opinion().forest.summary(), self.best()
        known = [
            Inference(
                action, float(prior), int(visits), None if np.isnan(q) else float(q), bool(solved)
            )
            for action, prior, visits, q, solved in zip(
                summary.actions[0].tolist(), summary.prior[0], summary.visits[0],
                summary.qvalues[0], summary.solved[0], strict=True,
            )
        ]  # fmt: skip
        return sorted(known, key=lambda a: (a.action != best, -a.visits, -a.prior, a.action))

    def to_make(self) -> tuple[int, ...]:
        """The inferences to a proof that the search is sure of, else the best one alone."""
        return winning_line(self.opinion().forest.tree, 0) or (self.best(),)

    def best(self) -> int:
        """The inference that wins for sure, else the most visited, else the likeliest.

        Equal ones are ordered by a lot that the position keeps.
        """
        forest, lots = self.opinion()
        summary = forest.summary()
        worth = np.where(summary.dominated[0], -1.0, summary.visits[0] + summary.prior[0])
        sure = summary.solved[0] & (summary.qvalues[0] >= BEST)
        likeliest = sure if sure.any() else worth == worth.max()
        actions = summary.actions[0]
        return int(actions[np.where(likeliest, lots[actions], -1.0).argmax()])


class ProofTerminal(Terminal):
    """An attempt at a problem."""

    commands = HELP

    def __init__(self, session: ProofSession, limit: Limit, *streams: Any) -> None:
        """``limit``: of the search at each position."""
        super().__init__(*streams)
        self._session, self._limit = session, limit

    def _greet(self) -> None:
        self._say("Type the number of an inference, or: s N, u, go, b, proof, help, q.")
        if not self._session.form.conjecture:
            self._say("There is no conjecture: the axioms are to be refuted.")
        self.do_b()

    def _leaves(self, line: str) -> bool:
        return bool(line) and LONG.get(line.split()[0], line.split()[0]) == "q"

    def _answer(self, line: str) -> None:
        word, *more = line.split()
        word = LONG.get(word, word)
        if word.isdecimal() and not more:
            self._make(int(word[:10]))
        elif word == "s":
            self._search(more)
        elif (method := getattr(self, f"do_{word}", None)) is not None:
            method()
        else:
            guess = self._guess(word, [*HELP, *LONG])
            raise ValueError(f"{' '.join([word, *more])!r} is no inference ({guess})")

    def _make(self, number: int) -> None:
        session = self._session
        options = len(session.legal())
        if session.now.over:
            raise ValueError(session.ended)
        if not 1 <= number <= options:
            raise ValueError(f"{number} is not a number from 1 to {options}")
        session.play(number - 1)
        self.do_b()

    def do_u(self) -> None:
        self._session.undo()
        self.do_b()

    def _search(self, more: list[str]) -> None:
        if self._session.now.over:
            raise ValueError(self._session.ended)
        if len(more) > 1 or (more and not (more[0].isdecimal() and more[0].strip("0"))):
            raise ValueError("say how many simulations, as in 's 500'")
        if more and (len(more[0]) > 10 or int(more[0]) > ROOM):
            raise ValueError(f"a position has room for {ROOM:,} simulations, as in 's 500'")
        self._session.search_within(Limit(int(more[0])) if more else self._limit)
        self.do_b()

    def do_go(self) -> None:
        session = self._session
        while not session.now.over:
            self._look()
            action = session.best()
            text = self._text()[1][action].split(maxsplit=1)[1]
            session.play(action)
            self._say(f"{len(session.history) - 1:4}  {text}")
        self.do_b()

    def _look(self) -> None:
        """Searches where nothing was searched yet."""
        if self._session.opinion().forest.tree.size[0] == 1:
            self._session.search_within(self._limit)

    def do_proof(self) -> None:
        session = self._session
        if not session.is_proved():
            raise ValueError("there is no proof yet: some branches are open ('go' tries on)")
        result = session.result()
        assert result.proof is not None
        self._say(tableau_text(result.proof, session.form, can_print("├─└│")))
        said = "NOT ACCEPTED by the checker" if result.refused else "checked"
        self._say(f"{said}: {result.reason}")

    def _text(self) -> tuple[str, list[str]]:
        """The position, and a line for each inference that is possible."""
        whole = self._session.game.text(self._session.now.state, 0)
        position, _, inferences = whole.partition("\ninferences:\n")
        return position, inferences.splitlines()

    def do_b(self) -> None:
        """The position, and what the net and the search think of the inferences."""
        session = self._session
        position, lines = self._text()
        self._say(position)
        if session.now.over:
            proved = "every branch is closed ('proof' shows the proof)"
            lost = "nothing is possible here ('u' takes it back)"
            self._say(proved if session.is_proved() else lost)
            return
        self._look()
        forest = session.opinion().forest
        tree, summary = forest.tree, forest.summary()
        self._say("       prior  visits      Q")
        for action, prior, visits, q, solved in session.inferences()[:SHOWN]:
            number, text = lines[action].split(maxsplit=1)
            worth = "" if q is None else f"{q:+.2f}"
            if solved and q is not None:
                worth = "proof" if q > 0 else "lost"
            self._say(f"{number:>4}  {prior:6.1%}  {visits:6}  {worth:>5}  {text}")
        if len(lines) > SHOWN:
            self._say(f"and {len(lines) - SHOWN} more")
        if int(tree.size[0]) == tree.nodes.shape[1]:
            self._say(f"The search has no room for more than {ROOM:,} positions.")
        self._say(
            f"The net expects {summary.raw_value[0]:+.2f}, the search {summary.value[0]:+.2f} "
            f"after {tree.nodes['visits'][0, ROOT] - 1:,} simulations (+1: proved)."
        )
