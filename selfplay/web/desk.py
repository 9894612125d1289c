"""What the page of proofs works on, as JSON: a problem, an attempt at it, its proof."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass
from typing import Any

from envs.proving.calculus.tableau import INFERENCES, Tableau
from envs.proving.game import Proving
from envs.proving.logic.formula import Problem
from envs.proving.logic.recursion import StoppedError, deep, stoppable
from envs.proving.logic.tptp import parse_problem
from envs.proving.logic.tptp_writer import clause_text, statement_text
from envs.proving.views.tableau_tree import TableauTree, tableau_tree
from selfplay.play.proof import ProofSession
from selfplay.players.limits import Limit
from selfplay.proving.prover import Prover, Result
from selfplay.proving.report import BOTH, TABLEAU, TSTP, proof_texts
from selfplay.proving.searches import Glimpse, Guide
from selfplay.proving.trials import Bounds
from selfplay.search.model import BEST
from selfplay.types import Evaluation, Evaluator, Game, State

PROVERS = 4  # that search at a time, each with a tree of up to half a gigabyte
MOST_SIMULATIONS = 5000  # at one position: each takes about 8 kB
PASTED = 200_000  # characters of a problem
BEGIN_S = 5.0  # for clauses to be made of a problem that was pasted
MOST_NODES, MOST_WHILE = 1500, 400  # that are drawn; while a search goes on
_STATEMENTS, _WIDE, _WRITE_S = 300, 600, 0.5  # of the problem, shown
_LONGEST, _PROOF_S = 2_000_000, 3.0  # characters of a proof's text; for writing it


@dataclass(eq=False)
class Desk:
    """What is the same for all tabs."""

    guide: Guide
    prover: Prover  # guided by the same, or not at all
    problem: Problem  # of the command line
    bounds: Bounds  # of the prover
    limit: Limit  # of the search at each position that is looked at
    proves: bool  # whether a tab begins with the prover

    def __post_init__(self) -> None:
        self.guide = _shared(self.guide)
        if self.prover.guide is not None:
            self.prover.guide = self.guide

    def provers(self) -> asyncio.Queue[Prover]:
        """As many as search at a time, each with memory of its own."""
        provers: asyncio.Queue[Prover] = asyncio.Queue()
        for _ in range(PROVERS):
            provers.put_nowait(Prover(self.prover.guide, self.prover.guided_share))
        return provers

    def read(self, text: str) -> Problem:
        """The problem that a person pasted; TptpError with the parser's sentence."""
        if len(text) > PASTED:
            raise ValueError(f"a problem of more than {PASTED:,} characters is too long to paste")
        with _within(BEGIN_S):
            try:
                return parse_problem(text, "pasted", may_include=False)
            except StoppedError:
                raise ValueError(f"the text is not read within {BEGIN_S:g} seconds") from None

    def attempt(self, problem: Problem) -> Attempt:
        """The beginning of an attempt; ValueError with a sentence where there can be none."""
        with _within(BEGIN_S):
            try:
                return Attempt(deep(ProofSession)(self.guide, problem))
            except StoppedError:
                raise ValueError(
                    f"{problem.name} takes more than {BEGIN_S:g} seconds to be made clauses: "
                    "'selfplay prove' takes longer"
                ) from None
            except RecursionError:
                raise ValueError(f"{problem.name} is nested too deeply") from None


def _shared(guide: Guide) -> Guide:
    """The guide for many threads: its net answers one of them at a time."""
    turn = threading.Lock()

    def opinions(game: Proving) -> Evaluator:
        with turn:
            evaluator = guide.opinions(game)

        def answer(game: Game, state: State) -> Evaluation:
            with turn:
                return evaluator(game, state)

        return answer

    return guide._replace(opinions=opinions)


def _within(seconds: float) -> Any:
    until = time.perf_counter() + seconds
    return stoppable(lambda: time.perf_counter() > until)


class Attempt:
    """A tab's attempt: a session, and a proof that is too large for its game if one was found."""

    def __init__(self, session: ProofSession) -> None:
        self.session = session
        self._outside: Tableau | None = None

    @property
    def closed(self) -> Tableau | None:
        """The proof, where every branch is closed."""
        if self._outside is not None:
            return self._outside
        return self.session.tableau if self.session.is_proved() else None

    def going(self) -> None:
        """Raises ValueError where the attempt is over."""
        if self._outside is not None or self.session.now.over:
            raise ValueError(self.session.ended)

    def infer(self, action: int) -> None:
        """Makes an inference; ValueError where it is not possible."""
        self.going()
        options = len(self.session.legal())
        if action >= options:
            raise ValueError(f"{action + 1} is not a number from 1 to {options}")
        self.session.play(action)

    def undo(self) -> None:
        """Takes the last inference back."""
        if self._outside is None:
            self.session.undo()
        self._outside = None

    def restart(self) -> None:
        self._outside = None
        self.session.restart()

    def adopt(self, closed: Tableau) -> None:
        """Makes a proof found elsewhere the attempt, by its inferences where the game allows it."""
        self._outside = None if self.session.follow(closed) else closed

    def result(self) -> Result:
        """What the checker says of the proof; there must be one."""
        return deep(self.session.result)(self.closed)

    @property
    def simulations(self) -> int:
        """Those at the present position so far."""
        return self.session.simulations

    @property
    def is_lost(self) -> bool:
        """Whether the search knows that no proof is reached from here."""
        return bool(self.session.opinion().forest.summary().upper[0] < BEST)

    def view(self) -> dict[str, Any]:
        """The position: its tree, what is possible on the goal, and what is thought of that."""
        session, closed = self.session, self.closed
        tableau = session.tableau if closed is None else closed
        tree = tableau_tree(session.library, tableau, MOST_NODES)
        over = "proved" if closed is not None else "lost" if session.now.over else ""
        return {
            **_drawn(tree),
            "over": over,
            "made": len(session.history) - 1,
            "outside": self._outside is not None,
            "inferences": int(tableau.scalars[INFERENCES]),
            "options": list(tree.inferences) if not over else [],
            "thoughts": self.thoughts() if not over else None,
        }

    def thoughts(self) -> dict[str, Any]:
        """The inferences with prior, visits and value, the best first."""
        summary = self.session.opinion().forest.summary()
        return {
            "rows": [each._asdict() for each in self.session.inferences()],
            "net": float(summary.raw_value[0]),
            "value": float(summary.value[0]),
            "simulations": self.simulations,
        }


def problem_view(desk: Desk, attempt: Attempt) -> dict[str, Any]:
    """The problem, what guides the search, and what the prover may take."""
    problem, form = attempt.session.problem, attempt.session.form
    statements: list[str] = []
    try:
        with _within(_WRITE_S):
            for statement in problem.statements[:_STATEMENTS]:
                text = deep(statement_text)(statement)
                statements.append(text if len(text) <= _WIDE else f"{text[:_WIDE]} ...")
    except StoppedError:
        pass
    return {
        "name": problem.name,
        "statements": statements,
        "left_out": len(problem.statements) - len(statements),
        "conjecture": form.conjecture,
        "clauses": len(form.clauses),
        "pasted": problem is not desk.problem,
        "guide": desk.prover.guide.name if desk.prover.guide else "",
        "seconds": desk.bounds.seconds,
        "most": desk.bounds.inferences,
    }


def progress_view(
    session: ProofSession, how: str, glimpse: Glimpse, seconds: float
) -> dict[str, Any]:
    """How the prover's search stands."""
    tree = tableau_tree(session.library, glimpse.tableau, MOST_WHILE)
    return {
        **_drawn(tree),
        "how": how,
        "inferences": glimpse.inferences,
        "value": glimpse.value,
        "seconds": seconds,
    }


def _drawn(tree: TableauTree) -> dict[str, Any]:
    depth: dict[int, int] = {-1: -1}
    for node in tree.nodes:
        depth[node.node] = depth[node.parent] + 1
    return {
        "tree": [list(node) for node in tree.nodes],
        "left_out": tree.left_out,
        "goal": tree.goal,
        "depth": max(depth.values()),
        "open": sum(node.state in ("open", "goal") for node in tree.nodes),
    }


def proof_view(session: ProofSession, result: Result) -> dict[str, Any]:
    """A proof with the checker's verdict, its clauses and its texts."""
    assert result.proof is not None
    texts = proof_texts(result, BOTH, _PROOF_S, unicode=True)
    used = [each.clause for each in result.proof.instances]
    clauses = [clause for clause in session.form.clauses if clause.name in set(used)]
    return {
        "status": result.status,
        "checked": not result.refused,
        "reason": result.reason,
        "how": result.how,
        "inferences": result.inferences,
        "seconds": result.seconds,
        "steps": result.proof_steps,
        "clauses": [
            [each.name, _cut(clause_text(each)), each.role.replace("_", " "), used.count(each.name)]
            for each in clauses[:_STATEMENTS]
        ],
        TABLEAU: _bounded(texts[TABLEAU], TABLEAU),
        TSTP: _bounded(texts[TSTP], TSTP),
    }


def _cut(text: str) -> str:
    return text if len(text) <= _WIDE else f"{text[:_WIDE]} ..."


def _bounded(text: str, name: str) -> str:
    if len(text) <= _LONGEST:
        return text
    return f"% {len(text):,} characters are too many for a page: selfplay prove --proof {name}\n"
