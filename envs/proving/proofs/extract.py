"""From a tableau on arrays to its literals as formulas, and to the proof that it is once closed."""

from __future__ import annotations

from envs.proving.calculus.matrix import Library
from envs.proving.calculus.tableau import LEMMAS, ROOT, Tableau
from envs.proving.calculus.unify import UNBOUND
from envs.proving.logic.formula import Atom, Function, Literal, Term, Variable
from envs.proving.logic.recursion import look
from envs.proving.proofs.proof import EXTENSION, LEMMA, REDUCTION, Instance, Node, Proof


def literal_of(library: Library, t: Tableau, literal: int, offset: int) -> Literal:
    """The literal of the matrix whose variables begin at ``offset``, under the substitution.

    Free variables are named X and their number.
    """
    matrix = library.matrix
    symbol, negated = divmod(int(matrix.side[literal]), 2)
    arguments = _arguments(library, int(matrix.atom[literal]))
    parts = tuple(_term(library, t, argument, offset) for argument in arguments)
    return Literal(not negated, Atom(library.symbols[symbol], parts))


def clause_copy(library: Library, t: Tableau, clause: int, offset: int) -> tuple[Literal, ...]:
    """The literals of a clause whose variables begin at ``offset``, under the substitution."""
    low, high = library.matrix.clause_start[clause], library.matrix.clause_start[clause + 1]
    return tuple(literal_of(library, t, literal, offset) for literal in range(low, high))


def _arguments(library: Library, term: int) -> list[int]:
    terms = library.matrix.terms
    first = int(terms.first[term])
    return [int(at) for at in terms.arguments[first : first + int(terms.arity[term])]]


def _term(library: Library, t: Tableau, term: int, offset: int) -> Term:
    """The term under the substitution, built without recursion: terms can be very deep."""
    known: dict[tuple[int, int], Term] = {}
    waiting = [(term, offset)]
    while waiting:
        look()
        at, shift = waiting[-1]
        if (at, shift) in known:
            waiting.pop()
            continue
        head = int(library.matrix.terms.head[at])
        if head < 0:
            variable = shift - 1 - head
            bound = int(t.bound[variable]) if variable < len(t.bound) else UNBOUND
            below = [(bound, int(t.bound_offset[variable]))] if bound != UNBOUND else []
        else:
            below = [(argument, shift) for argument in _arguments(library, at)]
        missing = [pair for pair in below if pair not in known]
        if missing:
            waiting += missing
            continue
        if head >= 0:
            parts = tuple(known[pair] for pair in below)
            known[at, shift] = Function(library.symbols[head], parts)
        else:
            known[at, shift] = known[below[0]] if below else Variable(f"X{variable}")
        waiting.pop()
    return known[term, offset]


def proof_of(library: Library, problem: int, t: Tableau) -> Proof:
    """The proof that a closed tableau of the library's ``problem`` is."""
    clauses = library.forms[problem].clauses
    base = int(library.matrix.clause_first[problem])
    instances: list[Instance] = []
    nodes: list[Node] = []
    place: dict[int, int] = {ROOT: -1}  # of a node of the tableau among ``nodes``

    def add_instance(clause: int, offset: int) -> int:
        literals = clause_copy(library, t, clause, offset)
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
