"""The checker accepts what is a proof and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest
from formulas import clause, form_of, literals
from provers import proof_by_deepening

from envs.proving.game import OWN
from envs.proving.logic.clausify import clausify
from envs.proving.logic.formula import Atom, ClauseForm, Function, Literal, Problem, Term, Variable
from envs.proving.logic.symbols import substituted
from envs.proving.logic.tptp import read_problem
from envs.proving.proofs.checker import check, check_proof, instance_of, tableau_fault
from envs.proving.proofs.proof import EXTENSION, LEMMA, REDUCTION, Instance, Node, Proof

PROVED = (
    "pelletier/pelletier_18", "pelletier/pelletier_19", "pelletier/pelletier_24",
    "pelletier/pelletier_26", "pelletier/pelletier_39", "pelletier/pelletier_44",
    "pelletier/pelletier_45", "sets/absorption", "sets/union_least",
    "sets/singleton_subset", "puzzles/barber", "puzzles/lovers", "puzzles/both_knaves",
)  # fmt: skip


BASE = form_of(
    clause("p(a)", "start"), clause("~ p(X) | q(X,f(X))", "rule"), clause("~ q(a,Y)", "end")
)
RIGHT = (
    Instance("start", literals("p(a)")),
    Instance("rule", literals("~ p(a) | q(a,f(a))")),
    Instance("end", literals("~ q(a,f(a))")),
)


# instances


@pytest.mark.parametrize(
    ("general", "special", "is_one"),
    [
        ("p(X) | q(X,Y)", "p(f(a)) | q(f(a),Z)", True),
        ("p(X) | q(X,Y)", "p(f(a)) | q(a,Z)", False),
        ("p(X) | q(X,Y)", "q(a,b) | p(a)", False),  # in the clause's order
        ("p(X)", "~ p(a)", False),
        ("p(f(X))", "p(X)", False),  # the variables of the second stand for themselves
        ("p(X) | q(X,X)", "p(X) | q(X,Y)", False),
        ("p(f(X))", "p(f(a,b))", False),
        ("p(a)", "p(A)", False),
    ],
)
def test_instance_of(general: str, special: str, is_one: bool) -> None:
    assert instance_of(literals(general), literals(special)) is is_one


def test_a_variable_that_is_left_is_one_thing() -> None:
    form = form_of(clause("p(X,Y)", "all"), clause("~ p(X,X)", "none"))
    same = (Instance("all", literals("p(V,V)")), Instance("none", literals("~ p(V,V)")))
    other = (Instance("all", literals("p(V,W)")), Instance("none", literals("~ p(V,V)")))
    assert check(form, same)
    assert not check(form, other)


def test_depth_does_no_harm() -> None:
    form = form_of(clause("p(X)", "all"), clause("~ p(X)", "none"))
    instances = []
    for name, positive in (("all", True), ("none", False)):
        term = Function("c")
        for _ in range(5_000):
            term = Function("f", (term, term))
        instances.append(Instance(name, (Literal(positive, Atom("p", (term,))),)))
    assert check(form, instances)


@pytest.mark.parametrize(
    ("instances", "reason"),
    [
        ((), "the 0 instances can all be true together"),
        (RIGHT[:2], "the 2 instances can all be true together"),
        ((*RIGHT[:2], Instance("end", literals("~ q(b,f(a))"))),
         "instance 2 is no instance of clause end"),
        ((*RIGHT[:2], Instance("finish", literals("~ q(a,f(a))"))),
         "instance 2 names clause finish, which t lacks"),
        ((RIGHT[0], Instance("rule", literals("~ p(a)"))),
         "instance 1 has 1 literals, clause rule has 2"),
    ],
)  # fmt: skip
def test_what_refutes_nothing_is_refused(instances: tuple[Instance, ...], reason: str) -> None:
    assert check(BASE, instances) == (False, reason)


def test_two_clauses_of_one_name_are_refused() -> None:
    form = form_of(clause("p(a)", "c"), clause("~ p(X)", "c"))
    verdict = check(form, [Instance("c", literals("p(a)"))])
    assert verdict == (False, "two clauses of t are named c")


# the tableau


def nodes(*rows: tuple[str, int, str, int, int, int]) -> tuple[Node, ...]:
    return tuple(Node(literals(text)[0], *rest) for text, *rest in rows)  # type: ignore[arg-type]


TREE = nodes(("p(a)", -1, EXTENSION, 1, 0, -1), ("q(a,f(a))", 0, EXTENSION, 2, 0, -1))


def test_a_refutation_and_its_tableau_are_accepted() -> None:
    reason = "the 3 instances contradict each other"
    assert check(BASE, RIGHT) == (True, reason)
    reason += "; all 2 nodes of the tableau are right"
    assert check_proof(BASE, Proof("t", RIGHT, TREE)) == (True, reason)


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        ((TREE[0],), "the nodes below node 0 are not the literals of its instance"),
        ((TREE[1],), "node 0 stands below node 0"),
        ((TREE[0]._replace(connected=1), TREE[1]),
         "node 0 does not contradict literal 1 of its instance"),
        ((TREE[0]._replace(connected=2), TREE[1]), "node 0 names literal 2 of 2"),
        ((TREE[0]._replace(instance=-1), TREE[1]), "node 0 names instance -1 of 3"),
        ((TREE[0]._replace(instance=2), TREE[1]),
         "node 0 does not contradict literal 0 of its instance"),
        ((TREE[0], TREE[1]._replace(closed=REDUCTION, partner=0)),
         "node 1 does not contradict node 0"),
        ((TREE[0], TREE[1]._replace(closed=REDUCTION, partner=1)),
         "node 1 names node 1 for reduction, which is not above"),
        ((TREE[0], TREE[1]._replace(closed=LEMMA, partner=0)),
         "node 1 names node 0 as lemma, which is not closed yet"),
        ((TREE[0], TREE[1]._replace(closed="magic")), "node 1 is closed by magic"),
        ((TREE[0]._replace(closed=REDUCTION), TREE[1]),
         "node 0 is closed by reduction and has nodes below"),
        (TREE[::-1], "node 0 stands below node 0"),
        ((TREE[0], *TREE), "the nodes do not come depth first"),
        ((), "the nodes on top are not the literals of the start clause"),
    ],
)  # fmt: skip
def test_a_wrong_node_is_named(wrong: tuple[Node, ...], fault: str) -> None:
    proof = Proof("t", RIGHT, wrong)
    assert tableau_fault(proof) == fault
    assert not check_proof(BASE, proof)


def lemma_tableau(lemma_of: int) -> Proof:
    """p and q are closed by a rule each; r is closed below p with a reduction to p, s without.

    The lemma, below q, is of r or of s.
    """
    instances = (
        Instance("start", literals("p | q")),
        Instance("left", literals("~ p | r | s")),
        Instance("r", literals("~ r | ~ p")),
        Instance("s", literals("~ s")),
        Instance("right", literals("~ q | r" if lemma_of == 1 else "~ q | s")),
    )
    rows = nodes(
        ("p", -1, EXTENSION, 1, 0, -1),
        ("r", 0, EXTENSION, 2, 0, -1),
        ("~ p", 1, REDUCTION, -1, -1, 0),
        ("s", 0, EXTENSION, 3, 0, -1),
        ("q", -1, EXTENSION, 4, 0, -1),
        ("r" if lemma_of == 1 else "s", 4, LEMMA, -1, -1, lemma_of),
    )
    return Proof("t", instances, rows)


def test_a_lemma_may_not_rest_on_what_is_not_above_it() -> None:
    fault = "the lemma of node 5 rests on a node that is not above it"
    assert tableau_fault(lemma_tableau(1)) == fault
    assert tableau_fault(lemma_tableau(3)) == ""


# mutations


@pytest.fixture(scope="module")
def proofs() -> list[tuple[Problem, ClauseForm, Proof]]:
    """Proofs of the project's own problems."""
    proofs = []
    for name in PROVED:
        problem = read_problem(OWN / f"{name}.p")
        form = clausify(problem)
        proof = proof_by_deepening(form, 100_000)
        assert proof is not None, name
        proofs.append((problem, form, proof))
    return proofs


def slowly_instance_of(general: Sequence[Literal], special: Sequence[Literal]) -> bool:
    """Reads values off, wherever a variable stands first, then puts them in and compares."""
    values: dict[str, Term] = {}

    def read(one: Sequence[Term], other: Sequence[Term]) -> None:
        for left, right in zip(one, other, strict=False):
            if isinstance(left, Variable):
                values.setdefault(left.name, right)
            elif isinstance(right, Function):
                read(left.arguments, right.arguments)

    for left, right in zip(general, special, strict=False):
        read(left.atom.arguments, right.atom.arguments)
    try:
        put_in = [one._replace(atom=substituted(one.atom, values)) for one in general]
    except KeyError:  # a variable that the other literals have no place for
        return False
    return put_in == list(special)


def contradictory(clauses: list[frozenset[Literal]]) -> bool:
    """Whether no truth values satisfy the clauses: the shortest is split, both ways."""
    if not clauses:
        return False
    shortest = min(clauses, key=len)
    if not shortest:
        return True
    literal = next(iter(shortest))
    for chosen in (literal, literal._replace(positive=not literal.positive)):
        denied = chosen._replace(positive=not chosen.positive)
        if not contradictory([one - {denied} for one in clauses if chosen not in one]):
            return False
    return True


def valid(form: ClauseForm, instances: Sequence[Instance]) -> bool:
    """Whether the instances prove the theorem, by slow means of the test's own."""
    named = {one.name: one.literals for one in form.clauses}
    return all(
        one.clause in named and slowly_instance_of(named[one.clause], one.literals)
        for one in instances
    ) and contradictory([frozenset(one.literals) for one in instances])


def changed_term(term: Term, rng: Random, symbols: Sequence[Function]) -> Term:
    """The term with one place in it changed: another symbol, another constant, another variable."""
    if isinstance(term, Variable):
        return rng.choice([Variable(f"{term.name}0"), rng.choice(symbols)])
    if term.arguments and rng.random() < 0.7:
        place = rng.randrange(len(term.arguments))
        arguments = list(term.arguments)
        arguments[place] = changed_term(arguments[place], rng, symbols)
        return Function(term.name, tuple(arguments))
    other = rng.choice(symbols)
    return rng.choice([other, Function(other.name, term.arguments), Variable("New")])


def mutated(proof: Proof, form: ClauseForm, rng: Random) -> tuple[Instance, ...]:
    """The instances with one thing changed."""
    instances = list(proof.instances)
    place = rng.randrange(len(instances))
    instance = instances[place]
    own = list(instance.literals)
    at = rng.randrange(len(own))
    atom = own[at].atom
    symbols = [
        term
        for one in instances
        for literal in one.literals
        for term in literal.atom.arguments
        if isinstance(term, Function)
    ] or [Function("c")]
    match rng.randrange(7):
        case 0:
            del instances[place]
            return tuple(instances)
        case 1:
            own[at] = own[at]._replace(positive=not own[at].positive)
        case 2:
            del own[at]
        case 3:
            instances[place] = instance._replace(clause=rng.choice(form.clauses).name)
            return tuple(instances)
        case 4:
            predicate = rng.choice(rng.choice(instances).literals).atom.predicate
            own[at] = own[at]._replace(atom=Atom(predicate, atom.arguments))
        case _ if atom.arguments:
            arguments = list(atom.arguments)
            which = rng.randrange(len(arguments))
            arguments[which] = changed_term(arguments[which], rng, symbols)
            own[at] = own[at]._replace(atom=Atom(atom.predicate, tuple(arguments)))
        case _:
            own[at] = own[at]._replace(atom=Atom(f"{atom.predicate}0"))
    instances[place] = Instance(instance.clause, tuple(own))
    return tuple(instances)


def test_mutated_proofs_are_refused_or_right(
    proofs: list[tuple[Problem, ClauseForm, Proof]],
) -> None:
    rng = Random(1)
    refused = 0
    for number in range(520):
        _, form, proof = proofs[number % len(proofs)]
        instances = mutated(proof, form, rng)
        accepted = check(form, instances).accepted
        assert accepted == valid(form, instances), (proof.problem, number)
        refused += not accepted
    assert 350 < refused < 450  # many do no harm: an instance that is there twice, a part unused


def test_mutated_tableaux_are_refused(proofs: list[tuple[Problem, ClauseForm, Proof]]) -> None:
    rng = Random(2)
    for number in range(300):
        _, form, proof = proofs[number % len(proofs)]
        rows = list(proof.nodes)
        at = rng.randrange(len(rows))
        node = rows[at]
        literal = node.literal
        match rng.randrange(4):
            case 0:
                rows[at] = node._replace(literal=literal._replace(positive=not literal.positive))
            case 1:
                rows[at] = node._replace(parent=node.parent - 1)
            case 2:
                del rows[at]
            case 3:
                other = LEMMA if node.closed == REDUCTION else REDUCTION
                rows[at] = node._replace(closed=other, partner=max(node.partner, 0))
        assert not check_proof(form, proof._replace(nodes=tuple(rows))), (proof.problem, number)
