"""The checker believes no certificate: what it confirms follows, and what does not is refused."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from formulas import (
    clause,
    clauses_hold,
    denied,
    form_of,
    holds,
    literals,
    random_problem,
    random_worlds,
    symbols_in,
    worlds,
)

from envs.proving.game import OWN
from envs.proving.logic import normal_form
from envs.proving.logic.clausify import clausify
from envs.proving.logic.formula import (
    Atom,
    ClauseForm,
    Definition,
    Formula,
    Function,
    Problem,
    Statement,
    Term,
    Translation,
)
from envs.proving.logic.tptp import parse_problem, problem_files, read_problem
from envs.proving.proofs.checker import check_clause_form
from envs.proving.proofs.equality_laws import is_valid


def terms(text: str) -> tuple[Term, ...]:
    return literals(f"p({text})")[0].atom.arguments if text else ()


def formula(text: str) -> Formula:
    return parse_problem(f"fof(s, axiom, {text}).", "t").statements[0].formula


def reason(text: str, clauses: list[str], *certificate: Translation) -> str:
    """Why the checker refuses the clauses as those of statement s; "" if it does not."""
    problem = parse_problem(text, "t")
    given = [clause(one, f"c{i}")._replace(source="s") for i, one in enumerate(clauses)]
    form = form_of(*given, certificate=certificate)
    verdict = check_clause_form(problem, form, [one.name for one in given])
    return "" if verdict else verdict.reason


# clauses and terms

TOTAL = "fof(s, axiom, ! [X] : ? [Y] : r(X,Y))."


@pytest.mark.parametrize(
    ("text", "clauses", "given"),
    [
        ("cnf(s, axiom, p(X) | ~ q(X,Y) | p(X)).", ["~ q(A,B) | p(A)"], "A,B"),
        ("cnf(s, axiom, p(X) | q(Y)).", ["p(X) | q(X)"], "X,X"),  # an instance
        ("fof(s, axiom, p).", ["p | q"], ""),
        ("fof(s, conjecture, p => q).", ["p", "~ q"], ""),
        ("fof(s, axiom, p <=> q).", ["p | ~ q", "q | ~ p"], ""),
        ("fof(s, axiom, p <~> q).", ["p | q", "~ q | ~ p"], ""),
        (TOTAL, ["r(X,f(X))"], "X,f(X)"),
        (TOTAL, ["r(X,f(Z,X))"], "X,f(Z,X)"),  # more arguments do no harm
        ("fof(s, axiom, ! [X] : ? [Y] : (p(X) & q(Y))).", ["q(c)", "p(X)"], "X,c"),
        ("fof(s, axiom, ! [X,Y] : ? [Z] : (r(X,Z) & r(Y,Z))).", ["r(A,f(B,A))"], "A,B,f(B,A)"),
        ("fof(s, axiom, ? [X] : (p(X) | q(X))).", ["p(c) | q(c)"], "c"),
        ("fof(s, axiom, ! [X,X] : ? [Y,Y] : r(X,Y)).", ["r(X,f(X))"], "X,f(X)"),
        ("fof(s, conjecture, ! [X] : ? [Y] : r(X,Y)).", ["~ r(c,Y)"], "c,Y"),
        ("fof(s, axiom, p & $true).", ["p"], ""),
        ("fof(s, axiom, $false).", ["$false", "q"], ""),
        ('cnf(s, axiom, p("a", "b")).', ['"a" != "b"'], ""),
        ("fof(s, conjecture, p). fof(t, conjecture, q).", ["~ p | ~ q"], ""),
    ],
)
def test_clauses_that_follow_are_confirmed(text: str, clauses: list[str], given: str) -> None:
    assert reason(text, clauses, Translation(None, terms(given), ())) == ""


NOT_SO = "clause c0 does not follow from statement s as the certificate reads it"
LEFT_OUT = "leaves out the variable X, on which the Y of statement s depends"


@pytest.mark.parametrize(
    ("text", "clause", "given", "why"),
    [
        ("cnf(s, axiom, p(X) | q(X)).", "p(X)", "X", NOT_SO),
        ("fof(s, axiom, p & $true).", "$false", "", NOT_SO),
        ("fof(s, axiom, $true).", "$false", "", NOT_SO),
        ('cnf(s, axiom, p("a", b)).', '"a" != b', "", NOT_SO),
        ('cnf(s, axiom, p("a", b)).', '"a" != "a"', "", NOT_SO),
        ("fof(s, conjecture, p => q).", "q", "", NOT_SO),
        ("fof(s, axiom, p <=> q).", "p | q", "", NOT_SO),
        ("fof(s, axiom, p <~> q).", "p | ~ q", "", NOT_SO),
        (TOTAL, "r(X,c)", "X,c", f"c {LEFT_OUT}"),  # the same for all
        (TOTAL, "r(X,f(Y))", "X,f(Y)", f"f {LEFT_OUT}"),
        (TOTAL, "r(X,f(X))", "X,g(X)", NOT_SO),
        (TOTAL, "r(X,Y)", "X,Y",
         "the variable Y stands for some Y of statement s, expected a function"),
        ("fof(s, axiom, ? [X] : ! [Y] : r(X,Y)).", "r(X,Y)", "X,Y",
         "the variable X stands for some X of statement s, expected a function"),
        ("fof(s, axiom, ! [X] : p(X)).", "p(c)", "c",
         "c stands for every X of statement s, expected a variable"),
        (TOTAL, "r(X,f(X))", "X",
         "the certificate has fewer terms than statement s has quantifiers"),
        (TOTAL, "r(X,f(X))", "X,f(X),Z",
         "the certificate has more terms than statement s has quantifiers"),
        ("fof(s, axiom, ? [X] : (p(X) & q(f))).", "p(f)", "f",
         "the name f was not made up: t has it"),
        ("fof(s, axiom, ? [X] : (p(X) & q(f(a)))).", "p(f)", "f",
         "the name f was not made up: t has it"),
        ('fof(s, axiom, ? [X] : p(X)).', 'p("f")', '"f"',
         'the name "f" was not made up: it has a meaning of its own'),
        ("fof(s, axiom, ? [X] : p(X)).", "p(7)", "7",
         "the name 7 was not made up: it has a meaning of its own"),
        ("fof(s, axiom, ? [X] : p(X) & ? [X] : ~ p(X)).", "p(c)", "c,c",
         "the name c was made up twice"),
        ("fof(t, axiom, p).", "p", "", "clause c0: t has no statement 's'"),
    ],
)  # fmt: skip
def test_clauses_that_do_not_follow_are_refused(
    text: str, clause: str, given: str, why: str
) -> None:
    assert reason(text, [clause], Translation(None, terms(given), ())) == why


def test_a_function_of_two_statements_is_refused_and_one_not_certified() -> None:
    problem = parse_problem("fof(s, axiom, ? [X] : p(X)). fof(t, axiom, ? [X] : ~ p(X)).", "t")
    certificate = (Translation(None, terms("c"), ()),) * 2
    form = form_of(clause("p(c)", "s"), clause("~ p(c)", "t"), certificate=certificate)
    assert check_clause_form(problem, form, ["s"])
    assert check_clause_form(problem, form, ["s", "t"]) == (False, "the name c was made up twice")
    form = form._replace(certificate=certificate[:1])
    why = "the certificate of t is for 1 statements, t has 2"
    assert check_clause_form(problem, form, ["s"]) == (False, why)


# definitions


def part(text: str) -> Formula:
    """What stands in a statement, its X free."""
    return formula(f"! [X] : ({text})").body


NAMED = "fof(s, axiom, ! [X] : ((p(X) & ? [Y] : q(X,Y)) | ~ (u(X) & ! [Y] : r(X,Y))))."
NAMED_CLAUSES = [
    "d(X) | ~ e(X)", "~ d(X) | p(X)", "~ d(X) | q(X,f(X))", "e(X) | ~ u(X) | ~ r(X,g(X))"
]  # fmt: skip
RIGHT = Translation(
    formula("! [X] : (d(X) | ~ e(X))"),
    terms("X"),
    (
        Definition("d", ("X",), part("p(X) & ? [Y] : q(X,Y)"), True, False, terms("X,f(X)")),
        Definition("e", ("X",), part("u(X) & ! [Y] : r(X,Y)"), False, True, terms("X,g(X)")),
    ),
)
D, E = RIGHT.definitions


def with_d(other: Definition = E, **changes: Any) -> Translation:
    return RIGHT._replace(definitions=(D._replace(**changes), other))


def with_e(**changes: Any) -> Translation:
    return with_d(E._replace(**changes))


def with_formula(text: str) -> Translation:
    return RIGHT._replace(formula=formula(text))


OTHER_FORMULA = "the certificate reads statement s as another formula"
OTHER_PART = "the definition of d is not of the part of statement s that it stands for"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (RIGHT, ""),
        (with_d(positive=False, negative=True),
         "f stands for every Y of the definition of d, expected a variable"),
        (with_d(positive=False, negative=True, terms=terms("X,Y")), NOT_SO.replace("c0", "c1")),
        (with_e(positive=True, negative=False, terms=terms("X,Y")), NOT_SO.replace("c0", "c3")),
        (with_d(positive=False, terms=()), NOT_SO.replace("c0", "c1")),
        (with_d(E._replace(part=D.part), part=E.part), OTHER_PART),
        (with_e(part=formula("u(a)")), OTHER_PART.replace("of d", "of e")),
        (with_e(terms=terms("X,f(X)")), "the name f was made up twice"),
        (with_e(predicate="d"), "the name d was made up twice"),
        (with_e(terms=terms("X,d(X)")), "the name d was made up twice"),
        (with_d(terms=terms("X,f")),
         "f leaves out the variable X, on which the Y of the definition of d depends"),
        (with_d(variables=()), "d stands with other arguments than it is defined with"),
        (with_d(variables=("Y",)), "d stands with other arguments than it is defined with"),
        (with_d(variables=())._replace(formula=formula("! [X] : (d | ~ e(X))")),
         "the definition of d leaves out the variable X"),
        (with_d(predicate="p"), "the name p was not made up: t has it"),
        (with_d(predicate="="), "the name = was not made up: it has a meaning of its own"),
        (with_d(part=part("d(X)")), "the definition of d is circular"),
        (with_d(E._replace(part=part("d(X)")), part=part("e(X)")),
         "the definition of d is circular"),
        (with_formula("! [X] : (d(X) | ~ d(X))"), "the name d stands for two parts of statement s"),
        (with_formula("! [X] : (d(X) & ~ e(X))"), OTHER_FORMULA),
        (with_formula("! [X] : (d(X) | e(X))"), OTHER_PART.replace("of d", "of e")),
        (with_formula("! [Y] : (d(Y) | ~ e(Y))"), OTHER_FORMULA),
        (with_formula("! [X] : (d(X) | ~ e(X) | p(X))"), OTHER_FORMULA),
        (RIGHT._replace(formula=None), "the name d stands for no part of statement s"),
    ],
)  # fmt: skip
def test_wrong_definitions_are_refused(given: Translation, why: str) -> None:
    assert reason(NAMED, NAMED_CLAUSES, given) == why


# whole problems


def test_all_clauses_of_the_own_problems_are_confirmed() -> None:
    for path in problem_files(OWN)[::2]:
        problem = read_problem(path)
        form = clausify(problem)
        verdict = check_clause_form(problem, form, [one.name for one in form.clauses])
        assert verdict.accepted, (path, verdict.reason)


def test_the_time_is_linear() -> None:
    """Of a clause of 2,000 literals, of a statement of 2,000 clauses, of 200 nested quantifiers."""
    wide = " | ".join(f"p(c{i})" for i in range(2000))
    parts = " & ".join(f"(p(c{i}) | ~ p(c{i + 1}))" for i in range(2000))
    nested = "".join(f"! [X{i}] : ? [Y{i}] : (r(X{i},Y{i}) & " for i in range(100))
    nested += "p" + ")" * 100
    for text in (wide, parts, nested):
        problem = Problem("t", (Statement("s", "axiom", formula(text), "fof"),))
        form = clausify(problem)
        start = time.process_time()
        assert check_clause_form(problem, form, [one.name for one in form.clauses])
        assert time.process_time() - start < 2


LAWS = (
    "X = X", "f(X) = f(X)", "X != Y | Y = X", "X != Y | Y != Z | X = Z",
    "X != Y | f(a,X) = f(a,Y)", "X != Y | ~ p(X) | p(Y)",
    "X != Y | U != V | g(f(X,U)) = g(f(Y,V))",
)  # fmt: skip
NO_LAWS = (
    "a = b", "X != Y | Y = Z", "X != Y | X != Z | Y = U", "X != Y | ~ p(Y) | q(X)",
    "X = Y | ~ p(X) | p(Y)", "X != Y | p(X) | p(Y)", "X != Y | f(a,X) = f(b,Y)",
    "f(X) != f(Y) | X = Y", "X != Y", "$false",
)  # fmt: skip


@pytest.mark.parametrize("text", LAWS + NO_LAWS)
def test_laws_of_equality(text: str) -> None:
    assert is_valid(literals(text)) is (text in LAWS)


# against small worlds


def everywhere(thing: Any, change: Callable[[Any], Any]) -> Any:
    """What is made of tuples with every one of them changed, the innermost first."""
    if not isinstance(thing, tuple):
        return thing
    inner = [everywhere(part, change) for part in thing]
    return change(type(thing)(*inner) if hasattr(thing, "_fields") else tuple(inner))


def renamed(form: ClauseForm, name: str, other: str, take: Callable[[Any], Any]) -> ClauseForm:
    """The form with another name for what is made up, and something done to its arguments."""

    def change(thing: Any) -> Any:
        match thing:
            case Function(own, arguments) if own == name:
                return Function(other, take(arguments))
            case Atom(own, arguments) if own == name:
                return Atom(other, take(arguments))
            case Definition(own, variables) if own == name:
                return thing._replace(predicate=other, variables=take(variables))
        return thing

    clauses, certificate = everywhere((form.clauses, form.certificate), change)
    return form._replace(clauses=clauses, certificate=certificate)


def spoiled(form: ClauseForm, rng: Random) -> ClauseForm:
    """The form with a clause changed, or what a name stands for, in the clauses too."""
    names = sorted(form.skolem | form.defined)
    kind = rng.randrange(8 if names else 2)
    if kind < 2:
        at = rng.randrange(len(form.clauses))
        own = list(form.clauses[at].literals)
        if own:
            place = rng.randrange(len(own))
            flipped = own[place]._replace(positive=not own[place].positive)
            own[place : place + 1] = [] if kind else [flipped]
        clauses = list(form.clauses)
        clauses[at] = clauses[at]._replace(literals=tuple(own))
        return form._replace(clauses=tuple(clauses))
    name, other = rng.choice(names), rng.choice(names)
    if kind < 5:  # one argument less
        return renamed(form, name, name, lambda row: row[:-1] if kind == 2 else row[1:])
    if kind == 5:
        return renamed(form, name, other, lambda row: row)
    if kind == 6 and name in form.skolem:  # one argument more
        return renamed(form, name, name, lambda row: (*row, Function("c")))

    def turned(thing: Any) -> Any:
        if isinstance(thing, Definition):
            return thing._replace(positive=thing.negative, negative=thing.positive)
        return thing

    return form._replace(certificate=everywhere(form.certificate, turned))


def test_clauses_hold_where_the_problem_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """In small worlds, for some reading of what is made up; those of a spoiled form that is
    confirmed need not be all that the problem says."""
    rng = Random(3)
    seen: Counter[str] = Counter()
    while seen["worlds"] < 1000:
        monkeypatch.setattr(normal_form, "BLOW_UP", rng.choice([1, 1, 64]))
        problem = parse_problem(random_problem(rng), "t")
        form = clausify(problem)
        names = [one.name for one in form.clauses]
        if len(names) > 60:
            continue
        assert check_clause_form(problem, form, names), problem
        is_spoiled = bool(names) and rng.random() < 0.8
        if is_spoiled:
            form = spoiled(form, rng)
            is_confirmed = bool(check_clause_form(problem, form, names))
            seen["confirmed" if is_confirmed else "refused"] += 1
            if not is_confirmed:
                continue
        whole, clauses = denied(problem), [one.literals for one in form.clauses]
        functions, predicates = symbols_in(whole)
        made = symbols_in(*(one.atom for clause in clauses for one in clause))
        new_functions, new_predicates = made[0] - functions, made[1] - predicates
        if sum(2**arity for _, arity in new_functions | new_predicates) > 7:
            continue
        readings = [worlds(new_functions, new_predicates, size) for size in (1, 2)]
        for number in range(20):
            size = 1 + number % 2
            world = random_worlds(rng, functions, predicates, size, 1)
            truth = bool(holds(whole, world, size, {}))
            if truth or not is_spoiled:
                some = clauses_hold(clauses, {**world, **readings[size - 1]}, size).any()
                assert some == truth, (problem, form)
                seen["worlds"] += 1
                seen["with names"] += bool(new_predicates)
                seen["true"] += truth
    assert min(seen[what] for what in ("confirmed", "refused", "with names", "true")) > 60, seen
