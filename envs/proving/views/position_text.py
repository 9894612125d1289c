"""Positions of the proving game drawn with characters."""

from __future__ import annotations

from envs.proving.calculus.matrix import Library
from envs.proving.calculus.tableau import (
    GOAL,
    MOVES,
    NO_GOAL,
    OPEN,
    OPTIONS,
    OVER,
    PROVED,
    ROOT,
    RUNNING,
    VARIABLES,
    Tableau,
)
from envs.proving.logic.formula import Function, Literal, Term, Variable
from envs.proving.logic.tptp_writer import literal_text
from envs.proving.proofs.extract import clause_copy, literal_of

_DEEPEST = 6  # what stands deeper in a literal is drawn as ...
_WIDTH = 160  # longer literals are cut short
_STATES = ("open", "proved", "lost")


def position_text(library: Library, problem: int, tableau: Tableau) -> str:
    """The problem, the branch down to the goal, the goals still to come, and the inferences.

    Variables are X1, X2, ... in the order in which the text mentions them.
    """
    over, goal = int(tableau.scalars[OVER]), int(tableau.scalars[GOAL])
    moves = int(tableau.scalars[MOVES])
    choices = f"{moves} choice{'' if moves == 1 else 's'}"
    lines = [f"{library.forms[problem].name}: {_STATES[over]} after {choices}"]
    if over != PROVED and goal != NO_GOAL:
        lines += Drawing(library, tableau).lines(goal)
    return "\n".join(lines)


class Drawing:
    """One position, with the names its variables have got so far."""

    def __init__(self, library: Library, tableau: Tableau) -> None:
        self._library, self._tableau = library, tableau
        self._names: dict[str, Variable] = {}

    def lines(self, goal: int) -> list[str]:
        """The branch and the inferences."""
        scalars = self._tableau.scalars
        lines = self._branch(goal) if goal != ROOT else ["choose the clause to begin with"]
        if scalars[OVER] == RUNNING:
            options = enumerate(self._tableau.options[: int(scalars[OPTIONS])].tolist(), 1)
            lines.append("inferences:")
            lines += [f"{number:4}  {self.option(goal, option)}" for number, option in options]
        return lines

    def _branch(self, goal: int) -> list[str]:
        """The path with the goal at its end, and the open literals beside."""
        t = self._tableau
        path = [goal]
        while int(t.parent[path[-1]]) != ROOT:
            path.append(int(t.parent[path[-1]]))
        lines = ["branch:"]
        for depth, node in enumerate(reversed(path)):
            mark = "   <- goal" if node == goal else ""
            lines.append(f"  {'  ' * depth}{self.node(node)}{mark}")
        later: list[str] = []
        for node in path:
            end = int(t.first[t.parent[node]]) + int(t.children[t.parent[node]])
            beside = (other for other in range(node + 1, end) if t.closed[other] == OPEN)
            later += [f"  {self.node(other)}" for other in beside]
        return [*lines, "still to come:", *later] if later else lines

    def option(self, goal: int, option: int) -> str:
        """One inference; the literal that would be connected stands in brackets."""
        if option < 0:
            return f"reduction with {self.node(-1 - option)}"
        t, matrix = self._tableau, self._library.matrix
        clause = option if goal == ROOT else int(matrix.clause[option])
        literals = clause_copy(self._library, t, clause, int(t.scalars[VARIABLES]))
        texts = [self._literal(literal) for literal in literals]
        name = self._library.clause_at(clause).name
        if goal == ROOT:
            return f"start {name}: {' | '.join(texts)}"
        entry = option - int(matrix.clause_start[clause])
        texts[entry] = f"[{texts[entry]}]"
        return f"extension {name}: {' | '.join(texts)}"

    def node(self, node: int) -> str:
        """The literal of a node."""
        t = self._tableau
        literal, offset = int(t.literal[node]), int(t.offset[node])
        return self._literal(literal_of(self._library, t, literal, offset))

    def _literal(self, literal: Literal) -> str:
        atom = literal.atom
        shown = tuple(self._shown(argument, _DEEPEST) for argument in atom.arguments)
        text = literal_text(literal._replace(atom=atom._replace(arguments=shown)))
        return text if len(text) <= _WIDTH else f"{text[:_WIDTH]} ..."

    def _shown(self, term: Term, levels: int) -> Term:
        """The term with its variables renamed, down to so many levels."""
        if isinstance(term, Variable):
            return self._names.setdefault(term.name, Variable(f"X{len(self._names) + 1}"))
        if levels == 0 and term.arguments:
            return Function("...")
        return Function(term.name, tuple(self._shown(part, levels - 1) for part in term.arguments))
