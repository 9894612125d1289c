"""A proof as a derivation in TSTP, the format in which provers exchange solutions.

Sutcliffe 2010, "The TPTP World": every line is an annotated formula that says where it comes from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from envs.proving.logic.formula import And, Clause, ClauseForm, Not, Problem, Statement
from envs.proving.logic.recursion import deep
from envs.proving.logic.tptp_writer import clause_text, formula_text, statement_text
from envs.proving.proofs.proof import Proof

_PLAIN = re.compile(r"[a-z][A-Za-z0-9_]*|[0-9]+")


@deep
def tstp(problem: Problem, form: ClauseForm, proof: Proof) -> str:
    """The derivation of $false from the problem's statements, those that the proof uses.

    The statements come as they were read, then the conjecture's negation, the clauses, their
    instances under the proof's substitution, and the contradiction between these.
    """
    name = unquoted(problem.name)
    lines = [
        f"% SZS output start CNFRefutation for {name}",
        *_Derivation(problem, form, proof).lines(),
        f"% SZS output end CNFRefutation for {name}",
    ]
    return "\n".join(lines) + "\n"


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
            wanted = refuted if statement.role == "conjecture" else statement.name in sources
            if wanted:
                name = self.name(statement.name)
                if statement.role == "conjecture":
                    denied.append(name)
                else:
                    parents.setdefault(statement.name, []).append(name)
                yield self.statement(name, statement)
        if refuted:
            name = self.name(conjectures[0].name, "negated")
            yield self.negation(name, conjectures, denied)
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
        given, number = stem, 1
        while given in self.taken:
            number += 1
            given = f"{stem}_{number}"
        self.taken.add(given)
        return quoted(given)

    def statement(self, name: str, statement: Statement) -> str:
        """A statement with the file it was read from."""
        text = statement_text(statement._replace(name=name)).removesuffix(").")
        return f"{text}, file({self.file}, {quoted(unquoted(statement.name))}))."

    def negation(self, name: str, conjectures: list[Statement], parents: list[str]) -> str:
        """What the refutation starts from."""
        formulas = tuple(one.formula for one in conjectures)
        denied = Not(formulas[0] if len(formulas) == 1 else And(formulas))
        source = inference("negate_conjecture", "cth", parents)
        return f"fof({name}, negated_conjecture, {formula_text(denied)}, {source})."

    def clause(self, name: str, clause: Clause, parents: list[str]) -> str:
        """A clause with the statement it says part of, or the theory of equality."""
        if not parents:
            return f"cnf({name}, axiom, {clause_text(clause)}, theory(equality))."
        role = "negated_conjecture" if clause.role == "negated_conjecture" else "plain"
        source = inference("clausify", "esa", parents)
        return f"cnf({name}, {role}, {clause_text(clause)}, {source})."
