"""A proof as a tableau that a person can read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import count

from envs.proving.logic.formula import Atom, ClauseForm, Function, Literal, Term, Variable
from envs.proving.logic.recursion import deep, look
from envs.proving.logic.symbols import substituted, subterms
from envs.proving.logic.tptp_writer import clause_text, literal_text, term_text
from envs.proving.proofs.proof import EXTENSION, REDUCTION, Node, Proof

LONG = 20  # characters; longer Skolem terms that come again get a name
WIDEST = 72  # characters; how far to the right the reasons may stand in a column


# what the tree is drawn with: before a node, before the last of its siblings, and under either
_UNICODE = ("├─ ", "└─ ", "│  ", "   ")
_ASCII = ("|- ", "`- ", "|  ", "   ")


@deep
def tableau_text(proof: Proof, form: ClauseForm, unicode: bool = True) -> str:
    """The proof as a tree, with the reason why each node is closed and the clauses used.

    Below a node stand the literals of the clause that it is connected to, but for the one that
    contradicts the node.  Nodes are numbered from 1, variables renamed X1, X2, ... in the order
    they stand in.  Long Skolem terms that come more than once are written out once, under
    "where".  Nothing is cut or wrapped.
    """
    literals, names = _readable([node.literal for node in proof.nodes], form)
    drawn = [f"start: clause {proof.instances[0].clause}"]
    left = list(_tree(proof.nodes, literals, _UNICODE if unicode else _ASCII))
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


def _tree(nodes: Sequence[Node], literals: Sequence[str], lines: tuple[str, ...]) -> Iterator[str]:
    """One line a node, without its reason."""
    branch, end, beside, under = lines
    last = {node.parent: number for number, node in enumerate(nodes)}  # the last of its siblings
    indents = {-1: ""}
    for number, node in enumerate(nodes):
        indent = indents[node.parent]
        is_last = last[node.parent] == number
        indents[number] = indent + (under if is_last else beside)
        joint = end if is_last else branch
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
    often = Counter(one for one in inner if isinstance(one, Function) and one.name in form.skolem)
    free = (Function(f"t{i}") for i in count(1) if f"t{i}" not in taken)
    named = {
        term: next(free)
        for term, times in often.items()
        if times > 1 and len(term_text(term)) > LONG
    }
    names = {
        term_text(name): term_text(Function(term.name, _replaced(term.arguments, named)))
        for term, name in named.items()
    }
    texts = [
        literal_text(Literal(positive, Atom(predicate, _replaced(arguments, named))))
        for positive, (predicate, arguments) in renamed
    ]
    return texts, names


def _replaced(terms: tuple[Term, ...], named: Mapping[Function, Function]) -> tuple[Term, ...]:
    """The terms with the outermost of the named terms by their names."""
    if not named:  # a look for a term takes the longer, the deeper it is
        return terms
    replaced: list[Term] = []
    for term in terms:
        look()
        if isinstance(term, Function):
            term = named.get(term) or Function(term.name, _replaced(term.arguments, named))
        replaced.append(term)
    return tuple(replaced)
