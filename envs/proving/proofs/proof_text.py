"""A proof written down: as a tableau that a person can read, and as a derivation in TSTP.

TSTP is the format in which provers exchange solutions (Sutcliffe 2010, "The TPTP World"): every
line is an annotated formula that says where it comes from.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import count

from envs.proving.logic.formula import (
    And,
    Atom,
    Clause,
    ClauseForm,
    Function,
    Literal,
    Not,
    Problem,
    Term,
    Variable,
)
from envs.proving.logic.recursion import deep, look
from envs.proving.logic.symbols import substituted, subterms
from envs.proving.logic.tptp_writer import (
    clause_text,
    formula_text,
    literal_text,
    statement_text,
    term_text,
)
from envs.proving.proofs.proof import EXTENSION, REDUCTION, Node, Proof

LONG = 20  # characters; longer Skolem terms that come again get a name
WIDEST = 72  # characters; how far to the right the reasons may stand in a column
_PLAIN = re.compile(r"[a-z][A-Za-z0-9_]*|[0-9]+")
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


# derivations


@deep
def tstp(problem: Problem, form: ClauseForm, proof: Proof) -> str:
    """The derivation of $false from the problem's statements, those that the proof uses.

    The statements come as they were read, then the conjecture's negation, the clauses, their
    instances under the proof's substitution, and the contradiction between these.
    """
    whole = f"CNFRefutation for {unquoted(problem.name)}"
    lines = "\n".join(_Derivation(problem, form, proof).lines())
    return f"% SZS output start {whole}\n{lines}\n% SZS output end {whole}\n"


def quoted(name: str) -> str:
    """The name as TPTP wants it: in single quotes unless it is a lower word or a number."""
    if _PLAIN.fullmatch(name):
        return name
    return "'" + name.replace("\\", "\\\\").replace("'", "\\'") + "'"


def unquoted(name: str) -> str:
    """The name that TPTP's single quotes stand around; another as it is."""
    if len(name) > 2 and name[0] == name[-1] == "'":
        return re.sub(r"\\(.)", r"\1", name[1:-1])
    return name


def inference(rule: str, status: str, parents: list[str]) -> str:
    """Where a formula comes from; ``status``: thm (it follows), cth (its negation does), esa (it
    has a model if the parents have)."""
    return f"inference({rule}, [status({status})], [{', '.join(parents)}])"


class _Derivation:
    """The lines of one derivation and the names that they have so far."""

    def __init__(self, problem: Problem, form: ClauseForm, proof: Proof) -> None:
        self.problem = problem
        self.proof = proof
        used = {instance.clause for instance in proof.instances}
        self.clauses = [clause for clause in form.clauses if clause.name in used]
        self.file = quoted(unquoted(problem.name) + ".p")
        self.taken: set[str] = set()

    def lines(self) -> Iterator[str]:
        sources = {clause.source for clause in self.clauses}
        conjectures = [one for one in self.problem.statements if one.role == "conjecture"]
        refuted = any(one.name in sources for one in conjectures)
        parents: dict[str, list[str]] = {}  # of clauses, by source
        denied: list[str] = []
        for statement in self.problem.statements:
            is_asked = statement.role == "conjecture"
            wanted = refuted if is_asked else statement.name in sources
            if wanted:
                name = self.name(statement.name)
                group = denied if is_asked else parents.setdefault(statement.name, [])
                group.append(name)
                text = statement_text(statement._replace(name=name)).removesuffix(").")
                yield f"{text}, file({self.file}, {quoted(unquoted(statement.name))}))."
        if refuted:
            name = self.name(conjectures[0].name, "negated")
            formulas = tuple(one.formula for one in conjectures)
            text = formula_text(Not(formulas[0] if len(formulas) == 1 else And(formulas)))
            source = inference("negate_conjecture", "cth", denied)
            yield f"fof({name}, negated_conjecture, {text}, {source})."
            for conjecture in conjectures:
                parents.setdefault(conjecture.name, []).append(name)
        names: dict[str, str] = {}
        for clause in self.clauses:
            names[clause.name] = self.name(clause.name, "clause")
            yield self.clause(names[clause.name], clause, parents.get(clause.source, []))
        instances: list[str] = []
        for instance in dict.fromkeys(self.proof.instances):
            instances.append(self.name("instance", str(len(instances) + 1)))
            text = clause_text(Clause(instance.literals, "", "", ""))
            source = inference("instantiate", "thm", [names[instance.clause]])
            yield f"cnf({instances[-1]}, plain, {text}, {source})."
        source = inference("tableau", "thm", instances)
        yield f"cnf({self.name('refutation')}, plain, $false, {source})."

    def name(self, name: str, addition: str = "") -> str:
        """A name for the next line: the name with the addition, numbered if it is taken."""
        stem = unquoted(name) + (f"_{addition}" if addition else "")
        names = (stem if number == 1 else f"{stem}_{number}" for number in count(1))
        given = next(one for one in names if one not in self.taken)
        self.taken.add(given)
        return quoted(given)

    def clause(self, name: str, clause: Clause, parents: list[str]) -> str:
        """A clause with the statement it says part of, or the theory of equality."""
        if not parents:
            return f"cnf({name}, axiom, {clause_text(clause)}, theory(equality))."
        role = "negated_conjecture" if clause.role == "negated_conjecture" else "plain"
        source = inference("clausify", "esa", parents)
        return f"cnf({name}, {role}, {clause_text(clause)}, {source})."
