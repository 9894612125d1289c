"""The checker: whether a proof is one, decided without anything that found it.

Nothing of the engine or of the clausification is imported here: only the records of formulas and
proofs and a SAT solver.  Nothing counts as proved before ``check_proof`` and ``check_clause_form``
accept it.

Why this suffices (Herbrand 1930): a set of clauses is unsatisfiable if finitely many ground
instances of it are.  A variable that is left in an instance stands for anything, so it may stand
for a constant of its own; the instances are then propositional clauses.  And the clauses, in
which made-up names stand, have a model if the problem has (``clauses.py`` says why; Nonnengart and
Weidenbach 2001): a name for a part may mean that part, a Skolem function may choose what the one
quantifier that it answers says there is.  What each stands for the clause form's certificate says;
a wrong one makes a clause not follow, never a false one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple

from pysat.solvers import Solver

from envs.proving.logic.formula import ClauseForm, Literal, Problem, Variable
from envs.proving.logic.recursion import deep, look
from envs.proving.logic.symbols import Signed, TermTable
from envs.proving.proofs.clauses import DoubtError, confirm
from envs.proving.proofs.proof import EXTENSION, LEMMA, REDUCTION, Instance, Node, Proof

SOLVER = "cadical153"


class Verdict(NamedTuple):
    """What the checker says; false as a condition where it refused."""

    accepted: bool
    reason: str  # a sentence

    def __bool__(self) -> bool:
        return self.accepted


@deep
def check(
    form: ClauseForm, instances: Sequence[Instance], table: TermTable | None = None
) -> Verdict:
    """Whether the instances are what they say and refute the clause form.

    Every instance must follow from the clause it names by one substitution, literal by literal,
    and all of them together must be unsatisfiable to the SAT solver.
    """
    table = table or TermTable()
    wrong = _misfit(form, instances, table)
    if wrong:
        return Verdict(False, wrong)
    if satisfiable([[table.literal(one) for one in own.literals] for own in instances]):
        return Verdict(False, f"the {len(instances)} instances can all be true together")
    return Verdict(True, f"the {len(instances)} instances contradict each other")


@deep
def check_proof(form: ClauseForm, proof: Proof) -> Verdict:
    """Whether the proof's instances refute the clause form and its tableau is right at every node.

    The second is more than a refutation needs: it keeps what is shown to a person from ever being
    wrong.  See ``tableau_fault`` for what is looked at.
    """
    table = TermTable()
    verdict = check(form, proof.instances, table)
    if not verdict:
        return verdict
    fault = tableau_fault(proof, table)
    if fault:
        return Verdict(False, fault)
    return Verdict(True, f"{verdict.reason}; all {len(proof.nodes)} nodes of the tableau are right")


@deep
def check_clause_form(problem: Problem, form: ClauseForm, names: Collection[str]) -> Verdict:
    """Whether the named clauses follow from the problem, its conjecture negated.

    ``names`` are those that a proof uses.  Each must follow from its statement and the form's
    certificate, or be true by the laws of equality.
    """
    wanted = set(names)
    used = [clause for clause in form.clauses if clause.name in wanted]
    often = Counter(clause.name for clause in used)
    for name in sorted(wanted):
        if often[name] != 1:
            return Verdict(False, f"{often[name]} clauses of {form.name} are named {name}")
    try:
        confirm(problem, form, used)
    except DoubtError as doubt:
        return Verdict(False, str(doubt))
    return Verdict(True, f"the {len(used)} clauses follow from the statements of {problem.name}")


# instances


def _misfit(form: ClauseForm, instances: Sequence[Instance], table: TermTable) -> str:
    """What is wrong with the first instance that is none of the clause it names; "" if none is."""
    clauses = {clause.name: clause.literals for clause in form.clauses}
    often = Counter(clause.name for clause in form.clauses)
    for number, instance in enumerate(instances):
        look()
        if not often[instance.clause]:
            return f"instance {number} names clause {instance.clause}, which {form.name} lacks"
        if often[instance.clause] > 1:
            return f"two clauses of {form.name} are named {instance.clause}"
        literals = clauses[instance.clause]
        if len(literals) != len(instance.literals):
            return (
                f"instance {number} has {len(instance.literals)} literals, "
                f"clause {instance.clause} has {len(literals)}"
            )
        if not instance_of(literals, instance.literals, table):
            return f"instance {number} is no instance of clause {instance.clause}"
    return ""


def instance_of(
    general: Sequence[Literal], special: Sequence[Literal], table: TermTable | None = None
) -> bool:
    """Whether one substitution turns the first literals into the second, each into its own."""
    table = table or TermTable()
    bound: dict[str, int] = {}
    return len(general) == len(special) and all(
        _matches(one, table.literal(other), bound, table)
        for one, other in zip(general, special, strict=True)
    )


def _matches(general: Literal, special: Signed, bound: dict[str, int], table: TermTable) -> bool:
    """Whether a substitution that extends ``bound`` turns one literal into the other.

    ``bound`` maps variables of the first to terms of the second; what was found is added.
    """
    predicate, arguments = general.atom
    if (general.positive, predicate, len(arguments)) != (*special[:2], len(special.arguments)):
        return False
    pairs = list(zip(arguments, special.arguments, strict=True))
    while pairs:
        look()
        term, number = pairs.pop()
        if isinstance(term, Variable):
            if bound.setdefault(term.name, number) != number:
                return False
            continue
        name, inner = table.rows[number]
        if inner is None or name != term.name or len(inner) != len(term.arguments):
            return False
        pairs.extend(zip(term.arguments, inner, strict=True))
    return True


def satisfiable(clauses: Sequence[Sequence[Signed]]) -> bool:
    """Whether ground clauses can all be true; equal atoms are one propositional variable."""
    variables: dict[tuple[str, tuple[int, ...]], int] = {}
    signed: list[list[int]] = []
    for clause in clauses:
        look()
        signed.append([])
        for literal in clause:
            variable = variables.setdefault(literal[1:], len(variables) + 1)
            signed[-1].append(variable if literal.positive else -variable)
    if not all(signed):
        return False  # an empty clause
    with Solver(name=SOLVER, bootstrap_with=signed) as solver:
        return bool(solver.solve())


# the tableau


class _Shown(NamedTuple):
    """A proof with its literals as table."""

    nodes: tuple[Node, ...]
    ends: list[int]  # for each node the first after it that is not below it
    literals: list[Signed]  # of the nodes
    instances: list[list[Signed]]

    def is_above(self, number: int, other: int) -> bool:
        """Whether the first node is above the second."""
        return 0 <= number < other < self.ends[number]


def tableau_fault(proof: Proof, table: TermTable | None = None) -> str:
    """What is wrong with the first wrong node of the tableau; "" if all are right.

    Below the start and below every node closed by extension stand the literals of its instance,
    but for the one that contradicts the node.  A reduction names a node above that contradicts it.
    A lemma names an equal node that was closed before by nothing but what stands above both.  The
    nodes come depth first.
    """
    if not proof.instances:
        return "the tableau has no start clause"
    nodes = proof.nodes
    children: list[list[int]] = [[] for _ in range(len(nodes) + 1)]  # the last: of the start
    branch = [-1]  # the start and the nodes down to the one before
    ends = [len(nodes)] * (len(nodes) + 1)
    for number, node in enumerate(nodes):
        if not -1 <= node.parent < number:
            return f"node {number} stands below node {node.parent}"
        while branch[-1] != node.parent:
            ends[branch.pop()] = number
            if not branch:
                return "the nodes do not come depth first"
        branch.append(number)
        children[node.parent].append(number)
    table = table or TermTable()
    shown = _Shown(
        nodes,
        ends,
        [table.literal(node.literal) for node in nodes],
        [[table.literal(one) for one in own.literals] for own in proof.instances],
    )
    for number in range(-1, len(nodes)):
        look()
        below = [shown.literals[child] for child in children[number]]
        fault = _closing_fault(shown, number, below)
        if fault:
            return fault
    return _lemma_fault(shown, children)


def _contradict(one: Signed, other: Signed) -> bool:
    return one.positive != other.positive and one[1:] == other[1:]


def _closing_fault(shown: _Shown, number: int, below: list[Signed]) -> str:
    """What is wrong with how one node was closed, lemmas' reasons aside; -1 is the start."""
    if number == -1:
        if Counter(below) != Counter(shown.instances[0]):
            return "the nodes on top are not the literals of the start clause"
        return ""
    node, literal = shown.nodes[number], shown.literals[number]
    if node.closed == EXTENSION:
        return _extension_fault(shown, number, below)
    if below:
        return f"node {number} is closed by {node.closed} and has nodes below"
    if node.closed == REDUCTION:
        if not shown.is_above(node.partner, number):
            return f"node {number} names node {node.partner} for reduction, which is not above"
        if not _contradict(literal, shown.literals[node.partner]):
            return f"node {number} does not contradict node {node.partner}"
    elif node.closed == LEMMA:
        if not 0 <= node.partner < number or shown.is_above(node.partner, number):
            return f"node {number} names node {node.partner} as lemma, which is not closed yet"
        if literal != shown.literals[node.partner]:
            return f"node {number} is not the lemma of node {node.partner}"
    else:
        return f"node {number} is closed by {node.closed}"
    return ""


def _extension_fault(shown: _Shown, number: int, below: list[Signed]) -> str:
    """What is wrong with a node closed by extension."""
    node = shown.nodes[number]
    if not 0 <= node.instance < len(shown.instances):
        return f"node {number} names instance {node.instance} of {len(shown.instances)}"
    literals = shown.instances[node.instance]
    if not 0 <= node.connected < len(literals):
        return f"node {number} names literal {node.connected} of {len(literals)}"
    connected = literals[node.connected]
    if not _contradict(shown.literals[number], connected):
        return f"node {number} does not contradict literal {node.connected} of its instance"
    if Counter(below) != Counter(literals) - Counter([connected]):
        return f"the nodes below node {number} are not the literals of its instance"
    return ""


def _lemma_fault(shown: _Shown, children: list[list[int]]) -> str:
    """The first lemma that was closed with the help of a node that its user does not stand below.

    A node rests on those above it that reductions in or below it name, a lemma on what its partner
    rests on.  These are all on one branch: where the deepest is above the user, all are.
    """
    nodes = shown.nodes
    depths: list[int] = []
    for node in nodes:
        depths.append(depths[node.parent] + 1 if node.parent >= 0 else 0)
    order, waiting = [], list(children[-1])  # a node after all that is below it, read backwards
    while waiting:
        order.append(waiting.pop())
        waiting.extend(children[order[-1]])
    rests: dict[int, int] = {}  # bit d: the node rests on the one above it at depth d
    for number in reversed(order):
        look()
        node = nodes[number]
        rest = 1 << depths[node.partner] if node.closed == REDUCTION else 0
        for other in [node.partner] if node.closed == LEMMA else children[number]:
            rest |= rests[other]
        rests[number] = rest & ~(1 << depths[number])
        if node.closed == LEMMA and rest:
            deepest = node.partner
            while depths[deepest] >= rest.bit_length():
                deepest = nodes[deepest].parent
            if not shown.is_above(deepest, number):
                return f"the lemma of node {number} rests on a node that is not above it"
    return ""
