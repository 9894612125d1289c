"""From a closed tableau on arrays to the proof as people and checkers read it."""

from __future__ import annotations

from envs.proving.calculus.instantiate import clause_copy, literal_of
from envs.proving.calculus.matrix import Library
from envs.proving.calculus.tableau import LEMMAS, ROOT, Tableau
from envs.proving.logic.formula import Literal
from envs.proving.logic.interrupt import look
from envs.proving.proofs.proof import EXTENSION, LEMMA, REDUCTION, Instance, Node, Proof


def proof_of(library: Library, problem: int, t: Tableau) -> Proof:
    """The proof that a closed tableau of the library's ``problem`` is."""
    clauses = library.forms[problem].clauses
    base = int(library.matrix.clause_first[problem])
    instances: list[Instance] = []
    nodes: list[Node] = []
    place: dict[int, int] = {ROOT: -1}  # of a node of the tableau among ``nodes``

    def add_instance(clause: int, offset: int) -> int:
        literals: tuple[Literal, ...] = clause_copy(library, t, clause, offset)
        instances.append(Instance(clauses[clause - base].name, literals))
        return len(instances) - 1

    add_instance(int(t.closed[ROOT]), int(t.copy[ROOT]))
    waiting = _children(t, ROOT)[::-1]
    while waiting:
        look()
        at = waiting.pop()
        place[at] = len(nodes)
        literal = literal_of(library, t, int(t.literal[at]), int(t.offset[at]))
        above, how = place[int(t.parent[at])], int(t.closed[at])
        if how <= LEMMAS:
            nodes.append(Node(literal, above, LEMMA, -1, -1, place[LEMMAS - how]))
        elif how < 0:
            nodes.append(Node(literal, above, REDUCTION, -1, -1, place[-1 - how]))
        else:
            clause = int(library.matrix.clause[how])
            connected = how - int(library.matrix.clause_start[clause])
            instance = add_instance(clause, int(t.copy[at]))
            nodes.append(Node(literal, above, EXTENSION, instance, connected, -1))
            waiting += _children(t, at)[::-1]
    return Proof(library.forms[problem].name, tuple(instances), tuple(nodes))


def _children(t: Tableau, node: int) -> list[int]:
    first = int(t.first[node])
    return list(range(first, first + int(t.children[node])))
