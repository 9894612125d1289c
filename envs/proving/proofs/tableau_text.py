"""A proof as a tableau that a person can read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import NamedTuple

from envs.proving.logic.deep_recursion import deep
from envs.proving.logic.formula import Atom, ClauseForm, Function, Literal, Term, Variable
from envs.proving.logic.interrupt import look
from envs.proving.logic.symbols import substituted, subterms
from envs.proving.logic.tptp_writer import clause_text, literal_text, term_text
from envs.proving.proofs.proof import EXTENSION, REDUCTION, Node, Proof

LONG = 20  # characters; longer Skolem terms that come again get a name
WIDEST = 72  # characters; how far to the right the reasons may stand in a column


class _Lines(NamedTuple):
    """What draws the tree."""

    branch: str
    last: str
    beside: str
    under: str


_UNICODE = _Lines("├─ ", "└─ ", "│  ", "   ")
_ASCII = _Lines("|- ", "`- ", "|  ", "   ")


@deep
def tableau_text(proof: Proof, form: ClauseForm, unicode: bool = True) -> str:
    """The proof as a tree, with the reason why each node is closed and the clauses used.

    Below a node stand the literals of the clause that it is connected to, but for the one that
    contradicts the node.  Nodes are numbered from 1, variables renamed X1, X2, ... in the order
    they stand in.  Long Skolem terms that come more than once are written out once, under
    "where".  Nothing is cut or wrapped.
    """
    literals, names = _readable([node.literal for node in proof.nodes], form)
    lines = _UNICODE if unicode else _ASCII
    drawn = [f"start: clause {proof.instances[0].clause}"]
    left = list(_tree(proof.nodes, literals, lines))
    width = max((len(text) for text in left if len(text) <= WIDEST), default=0)
    for text, node in zip(left, proof.nodes, strict=True):
        drawn.append(f"{text:{width}}  {_reason(proof, node)}")
    several = "s" * (len(left) != 1)
    parts = [[f"{proof.problem}: a closed tableau of {len(left)} node{several}"], drawn]
    if names:
        parts.append(["where", *(f"  {name} = {meaning}" for name, meaning in names.items())])
    parts.append(["clauses used", *_clauses_used(proof, form)])
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _reason(proof: Proof, node: Node) -> str:
    """How the node was closed."""
    if node.closed == EXTENSION:
        return f"clause {proof.instances[node.instance].clause}"
    if node.closed == REDUCTION:
        return f"reduction with node {node.partner + 1}"
    return f"lemma node {node.partner + 1}"


def _tree(nodes: Sequence[Node], literals: Sequence[str], lines: _Lines) -> Iterator[str]:
    """One line a node, without its reason."""
    last = {node.parent: number for number, node in enumerate(nodes)}  # the last of its siblings
    indents = {-1: ""}
    for number, node in enumerate(nodes):
        indent = indents[node.parent]
        is_last = last[node.parent] == number
        indents[number] = indent + (lines.under if is_last else lines.beside)
        joint = lines.last if is_last else lines.branch
        yield f"{indent}{joint}{number + 1}  {literals[number]}"


def _clauses_used(proof: Proof, form: ClauseForm) -> Iterator[str]:
    """The clauses with how often each was used, in the order of the clause form."""
    used = Counter(instance.clause for instance in proof.instances)
    clauses = [clause for clause in form.clauses if clause.name in used]
    width = max((len(clause.name) for clause in clauses), default=0)
    for clause in clauses:
        role = clause.role.replace("_", " ")
        times = f", {used[clause.name]} times" if used[clause.name] > 1 else ""
        yield f"  {clause.name:{width}}  {clause_text(clause)}  ({role}{times})"


# literals


def _readable(literals: Sequence[Literal], form: ClauseForm) -> tuple[list[str], dict[str, str]]:
    """The literals with variables renamed and long Skolem terms named, and what the names mean."""
    variables: dict[str, Term] = {}
    for literal in literals:
        for term in subterms(literal.atom.arguments):
            if isinstance(term, Variable) and term.name not in variables:
                variables[term.name] = Variable(f"X{len(variables) + 1}")
    renamed = [one._replace(atom=substituted(one.atom, variables)) for one in literals]
    inner = [term for literal in renamed for term in subterms(literal.atom.arguments)]
    taken = {term.name for term in inner if isinstance(term, Function)}
    made_up = [one for one in inner if isinstance(one, Function) and one.name in form.skolem]
    often = Counter(made_up)
    free = (Function(f"t{i}") for i in count(1) if f"t{i}" not in taken)
    named: dict[Term, Term] = {
        term: next(free)
        for term, times in often.items()
        if times > 1 and len(term_text(term)) > LONG
    }
    names = {}
    for term, name in named.items():
        assert isinstance(term, Function)
        arguments = tuple(_replaced(argument, named) for argument in term.arguments)
        names[term_text(name)] = term_text(Function(term.name, arguments))
    texts = []
    for positive, atom in renamed:
        arguments = tuple(_replaced(argument, named) for argument in atom.arguments)
        texts.append(literal_text(Literal(positive, Atom(atom.predicate, arguments))))
    return texts, names


def _replaced(term: Term, named: Mapping[Term, Term]) -> Term:
    """The term with the outermost of the named terms by their names."""
    look()
    if not named or isinstance(term, Variable):  # a look for it takes the longer, the deeper it is
        return term
    if term in named:
        return named[term]
    return Function(term.name, tuple(_replaced(one, named) for one in term.arguments))
