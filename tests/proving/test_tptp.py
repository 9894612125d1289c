"""TPTP read and written: every connective, every complaint in words."""

from __future__ import annotations

import os
import tarfile
import time
from functools import partial
from pathlib import Path
from random import Random

import pytest
from formulas import random_problem
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.proving.logic import tptp
from envs.proving.logic.formula import (
    And,
    Atom,
    Exists,
    Forall,
    Formula,
    Function,
    Iff,
    Implies,
    Not,
    Or,
    Problem,
    Statement,
    Variable,
)
from envs.proving.logic.recursion import DEEPEST
from envs.proving.logic.symbols import free_variables
from envs.proving.logic.tptp import parse_problem, problem_files, read_problem
from envs.proving.logic.tptp_formulas import TptpError, UnreadableError
from envs.proving.logic.tptp_writer import formula_text, statement_text, term_text

P, Q, R = Atom("p"), Atom("q"), Atom("r")
X, Y = Variable("X"), Variable("Y")
A, B, C = map(Function, "abc")
DATA = Path(
    os.environ.get("SELFPLAY_PROVING_DATA")
    or Path(__file__).resolve().parents[3] / "shared" / "data" / "proving"
)


def read(formula: str, language: str = "fof") -> Formula:
    (statement,) = parse_problem(f"{language}(a, axiom, {formula}).", "test").statements
    return statement.formula


@pytest.mark.parametrize(
    ("text", "formula"),
    [
        ("p & q & r", And((P, Q, R))),
        ("p | q | r", Or((P, Q, R))),
        ("(p & q) & r", And((And((P, Q)), R))),
        ("p => q", Implies(P, Q)),
        ("p <= q", Implies(Q, P)),
        ("p <=> q", Iff(P, Q)),
        ("p <~> q", Not(Iff(P, Q))),
        ("p ~| q", Not(Or((P, Q)))),
        ("p ~& q", Not(And((P, Q)))),
        ("~ p & q", And((Not(P), Q))),
        ("~~p", Not(Not(P))),
        ("$true", And(())),
        ("$false", Or(())),
        ("![X]: p(X) & q", And((Forall(("X",), Atom("p", (X,))), Q))),
        ("?[X,Y]: r(X,Y)", Exists(("X", "Y"), Atom("r", (X, Y)))),
        ("![X]: ?[X]: p(X)", Forall(("X",), Exists(("X",), Atom("p", (X,))))),
        ("a = b", Atom("=", (A, B))),
        ("~ a != b", Not(Not(Atom("=", (A, B))))),
        ("$distinct(a,b,c)", And(tuple(Not(Atom("=", two)) for two in [(A, B), (A, C), (B, C)]))),
        ("![X]: X = f(X,a)", Forall(("X",), Atom("=", (X, Function("f", (X, A)))))),
        ("p('abc', 'a b', \"abc\")", Atom("p", tuple(map(Function, ("abc", "'a b'", '"abc"'))))),
        ("'It\\'s'('X')", Atom("'It\\'s'", (Function("'X'"),))),
        ("p(1, -2, 3.5e-7, 2/3)", Atom("p", tuple(map(Function, ("1", "-2", "3.5e-7", "2/3"))))),
        ("fof(cnf, include)", Atom("fof", (Function("cnf"), Function("include")))),
        ("$$mine", Atom("$$mine")),
        ("p /* not | q */ % nor r\n", P),
    ],
)
def test_formulas(text: str, formula: Formula) -> None:
    assert read(text) == formula


@pytest.mark.parametrize(
    ("text", "formula"),
    [
        ("(p | ~ q)", Or((P, Not(Q)))),
        ("p | $false", P),
        ("$false", Or(())),
        ("q(Y,X) | X != Y", Forall(("Y", "X"), Or((Atom("q", (Y, X)), Not(Atom("=", (X, Y))))))),
        ("((p | q) | r)", Or((P, Q, R))),
        ("~(~ (p)) | ((~(q)))", Or((Not(Not(P)), Not(Q)))),
        ("~ (a != b)", Not(Not(Atom("=", (A, B))))),
    ],
)
def test_clauses_are_closed_and_may_have_parentheses(text: str, formula: Formula) -> None:
    assert read(text, "cnf") == formula


@pytest.mark.parametrize(
    "content",
    [
        b"fof(a, axiom, p).\r%% a remark\rfof(c, conjecture, q).\r",
        b"fof(a, axiom, p).\r\n% a remark\r\nfof(c, conjecture, q).\r\n",
        b"% J. M\xfcller\nfof(a, axiom, p).\nfof(c, conjecture, q).",
        b"\xef\xbb\xbffof(a, axiom, p).\nfof(c, conjecture, q).\n\x1a",
        b"fof(a, axiom, p).\x0c\nfof(c,\xc2\xa0conjecture, q).",
        "fof(a, axiom, p).\n% \u00fc\nfof(c, conjecture, q).".encode("utf-16"),
    ],
)
def test_files_of_other_systems(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "old.p").write_bytes(content)
    statements = read_problem(tmp_path / "old.p").statements
    assert [(one.name, one.formula) for one in statements] == [("a", P), ("c", Q)]


def test_names_roles_and_annotations() -> None:
    text = """
    fof('a b', conjecture, p, file('x.p', [unknown]), [status(thm), f(["a"], X: 1)]).
    cnf(12, negated_conjecture, q, inference(r, [], [a, b])).
    fof('plain', lemma, r).
    fof(-1, unknown, p). fof(-2, 'axiom', p). fof(-3, axiom-local, p).
    fof(-4, conjecture-f(g, [h]), p). fof(-5, question, p).
    """
    statements = (
        Statement("'a b'", "conjecture", P, "fof"),
        Statement("12", "negated_conjecture", Q, "cnf"),
        Statement("plain", "lemma", R, "fof"),
    )
    newer = ("unknown", "axiom", "axiom", "conjecture", "conjecture")
    statements += tuple(Statement(f"-{i}", role, P, "fof") for i, role in enumerate(newer, 1))
    assert parse_problem(text, "test") == Problem("test", statements)


@pytest.mark.parametrize(
    ("text", "place", "complaint"),
    [
        ("hello", "1:1", "found hello, expected fof, cnf or include"),
        ("", "", "states nothing: expected at least one fof(...) or cnf(...)"),
        ("tff(a, type, p: $o).", "1:1",
         "found tff (typed first-order logic), expected fof or cnf: other languages are not read"),
        ("fof(a, type, p).", "1:8",
         "found the role type (the type of a symbol), which is not read"),
        ("fof(a, fi_domain, p).", "1:8",
         "found the role fi_domain (a finite interpretation), which is not read"),
        ("fof(a, axioms, p).", "1:8",
         "found axioms, expected a role (axiom, hypothesis, definition, assumption, lemma, "
         "theorem, corollary, conjecture, negated_conjecture, plain, unknown)"),
        ("fof(A, axiom, p).", "1:5", "found A, expected the name of a statement"),
        ("fof a", "1:5", "found a, expected ("),
        ("fof(a; axiom, p).", "1:6", "found ;, expected ,"),
        ("fof(a, axiom, p)\nfof(b, axiom, q).", "2:1",
         "found fof, expected the full stop after a statement"),
        ("fof(a, axiom,\n  p(X)).", "2:5",
         "found the free variable X, expected a quantifier that binds it"),
        ("fof(a, axiom, (![X]: p(X)) & p(f(X))).", "1:34",
         "found the free variable X, expected a quantifier that binds it"),
        ("fof(a, axiom, p & q | r).", "1:21",
         "found | after &, expected parentheses: & and | have no order of precedence"),
        ("fof(a, axiom, p => q => r).", "1:22",
         "found => after =>, expected parentheses: connectives have no order of precedence"),
        ("fof(a, axiom, p q).", "1:17", "found q, expected a connective, a comma or )"),
        ("fof(a, axiom, (p", "1:17", "found the end of the text, expected a connective or )"),
        ("fof(a, axiom, p &).", "1:18", "found ), expected a formula"),
        ("fof(a, axiom, p(,)).", "1:17", "found ,, expected a term"),
        ("fof(a, axiom, p(a b)).", "1:19", "found b, expected a comma or )"),
        ("fof(a, axiom, 3).", "1:16", "found ), expected = or !="),
        ("fof(a, axiom, ![x]: p).", "1:17",
         "found x, expected a variable, which begins with a capital"),
        ("fof(a, axiom, ![X] p).", "1:20", "found p, expected :"),
        ("fof(a, axiom, $less(a,b)).", "1:15",
         "found $less, expected $true, $false or a predicate of the problem"),
        ("cnf(a, axiom, p & q).", "1:17", "found &, expected | or )"),
        ("cnf(a, axiom, p | (! [X] : q(X))).", "1:20",
         "found !, expected a literal: a clause is a disjunction of atoms and negated atoms"),
        ("cnf(a, axiom, X(b)).", "1:15", "found the variable X as a predicate, expected a name"),
        ("fof(a, axiom, 'abc).", "1:15",
         "found a quote that is not closed on its line, expected a formula"),
        ('fof(a, axiom, p("abc)).', "1:17",
         "found a double quote that is not closed on its line, expected a term"),
        ("/* never closed", "1:1",
         "found a slash, or a comment that is not closed, expected fof, cnf or include"),
        ("fof(a, axiom, p, [b).", "1:20", "found ), expected matching brackets"),
        ("fof(a, axiom, p, f(b.", "1:22", "found the end of the text, expected )"),
        ("cnf(a, axiom, ~ (p | q)).", "1:20",
         "found |, expected ) after the literal that is negated"),
        ("fof(a, axiom, p('')).", "1:17", "found '', expected a name between the quotes"),
        ("fof('', axiom, p).", "1:5", "found '', expected a name between the quotes"),
        ("include(f).", "1:9", "found f, expected the name of a file in single quotes"),
        ("\x00", "1:1", "found '\\x00', expected fof, cnf or include"),
    ],
)  # fmt: skip
def test_what_is_not_tptp_is_said_with_its_place(text: str, place: str, complaint: str) -> None:
    """The place as line:column."""
    with pytest.raises(TptpError) as caught:
        parse_problem(text, "test")
    line, _, column = place.partition(":")
    where = f", line {line}, column {column}:" if place else ""
    assert str(caught.value) == f"test{where} {complaint}"


def test_nesting_has_a_limit() -> None:
    deep = 20_000
    for text in (
        "(" * deep + "p" + ")" * deep,
        "~" * deep + "p",
        "![X]: " * deep + "p",
        "p(" + "f(" * deep + "a" + ")" * deep + ")",
    ):
        with pytest.raises(TptpError, match="found more than 5,000 levels of nesting, expected"):
            read(text)
    term = "f(" * (DEEPEST - 1) + "a" + ")" * (DEEPEST - 1)
    formula = read(f"p({term})")
    assert isinstance(formula, Atom)
    assert term_text(formula.arguments[0]) == term
    assert read("(" * DEEPEST + "p" + ")" * DEEPEST) == P


def test_includes_lie_beside_the_file_or_below_tptp(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own" / "part").mkdir(parents=True)
    (tmp_path / "library").mkdir()
    (tmp_path / "own" / "part" / "one.ax").write_text("fof(a, axiom, p). fof(b, axiom, q).")
    (tmp_path / "library" / "two.ax").write_text("include('three.ax').")
    (tmp_path / "library" / "three.ax").write_text("fof(c, axiom, r).")
    problem = tmp_path / "own" / "main.p"
    problem.write_text("include('part/one.ax', [b]).\nfof(d, conjecture, p).\ninclude('two.ax').\n")
    monkeypatch.setenv("TPTP", str(tmp_path / "library"))
    got = read_problem(problem)
    assert got.name == "main"
    assert [(s.name, s.formula) for s in got.statements] == [("b", Q), ("d", P), ("c", R)]
    monkeypatch.delenv("TPTP")
    with pytest.raises(TptpError) as caught:
        read_problem(problem)
    assert str(caught.value) == (
        f"{problem}, line 3, column 9: there is no file two.ax in {tmp_path / 'own'}: "
        "set the environment variable TPTP to the folder that includes start from"
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One file that can be read, good.ax, and others."""
    (tmp_path / "good.ax").write_text("fof(a, axiom, p).")
    (tmp_path / "bad.ax").write_text("fof(a, axiom, p).\nfof(b axiom, p).")
    (tmp_path / "circle.ax").write_text("include('circle.ax').")
    (tmp_path / "bytes.p").write_bytes(b"fof(a, axiom, p).\nfof(b\x00")
    (tmp_path / "empty.p").write_bytes(b"")
    os.mkfifo(tmp_path / "pipe.p")
    return tmp_path


@pytest.mark.parametrize(
    ("text", "error", "complaint"),
    [
        ("'circle.ax'", TptpError,
         r"circle\.ax, line 1, column 1: found an include of .*circle\.ax, which"),
        ("'bad.ax'", TptpError, r"bad\.ax, line 2, column 7: found axiom, expected ,$"),
        ("'good.ax',[a,b]", TptpError, r"test, line 1, column 22: .*good\.ax has no statement b$"),
        ("'/dev/zero'", UnreadableError, r"^test, line 1, column 9: /dev/zero is no ordinary"),
        ("'..'", UnreadableError, r"^test, line 1, column 9: .* is a folder"),
        ("none.p", TptpError, r"^there is no file .*none\.p: expected a TPTP file$"),
        (".", TptpError, " is a folder: expected one TPTP file, say one of those"),
        ("bytes.p", UnreadableError, r"bytes\.p is not a text file: it holds zero bytes$"),
        ("pipe.p", UnreadableError, r"pipe\.p is no ordinary file; copy what it holds"),
        ("empty.p", TptpError, r"empty\.p states nothing: expected at least one fof"),
    ],
)  # fmt: skip
def test_complaints_about_includes_and_files(
    text: str, error: type[Exception], complaint: str, folder: Path
) -> None:
    """Of an include in quotes, else of a file."""
    read = partial(read_problem, folder / text)
    if text[0] == "'":
        read = partial(parse_problem, f"include({text}).", "test", folder)
    with pytest.raises(error, match=complaint):
        read()


def test_includes_have_an_end_and_a_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(25):
        text = f"include('{number + 1}.ax'). include('{number + 1}.ax'). fof(a, axiom, p)."
        (tmp_path / f"{number}.ax").write_text(text)
    (tmp_path / "25.ax").write_text("fof(a, axiom, p).")
    too_many = r"\.ax, line 1, column \d+: found more than 1,000 includes"
    with pytest.raises(TptpError, match=too_many):
        read_problem(tmp_path / "0.ax")
    monkeypatch.setattr(tptp, "MOST_IN_ALL", 1000)
    (tmp_path / "long.ax").write_text("% " + "x" * 600)
    with pytest.raises(UnreadableError, match=r"^test, line 2, column 9: .*long\.ax is too long"):
        parse_problem("include('long.ax').\ninclude('long.ax').", "test", tmp_path)


def test_an_include_may_select_all(folder: Path) -> None:
    for more in ("*", "[a]", "*, space", "[a], space"):
        (statement,) = parse_problem(f"include('good.ax', {more}).", "test", folder).statements
        assert statement.name == "a"


def test_problem_files_are_all_below_a_folder_in_order(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"has no problems: name a folder with TPTP files that"):
        problem_files(tmp_path)
    with pytest.raises(ValueError, match=r"^there is no file or folder .*: name a TPTP file or"):
        problem_files(tmp_path / "none")
    names = ["b.p", "a/c.p", "a/b/d.p"]
    for name in [*names, "axioms.ax"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("fof(a, axiom, p).")
    assert problem_files(tmp_path) == [tmp_path / name for name in sorted(names)]
    assert problem_files(tmp_path / "axioms.ax") == [tmp_path / "axioms.ax"]


NAMES = st.sampled_from(["a", "bC_1", "'two words'", "'It\\'s'", '"object"', "7", "$$own"])
TERMS = st.recursive(
    NAMES.map(Function) | st.sampled_from([X, Y]),
    lambda inner: st.builds(
        Function, st.sampled_from(["f", "'G'"]), st.lists(inner, min_size=1, max_size=3).map(tuple)
    ),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**6), TERMS, TERMS)
def test_what_is_written_reads_as_it_was(
    seed: int, left: Variable | Function, right: Variable | Function
) -> None:
    formula = parse_problem(random_problem(Random(seed)), "t").statements[-1].formula
    equation = Atom("=", (left, right))
    for part in (formula, Not(equation), Or((Not(Not(equation)), formula)), Iff(formula, equation)):
        closed = Forall(free, part) if (free := free_variables(part)) else part
        assert read(formula_text(closed)) == closed


def test_statements_are_written_in_their_language() -> None:
    lines = [
        "fof(a, conjecture, ! [X] : ( p(X) => ? [Y] : q(X,Y) )).",
        "cnf('b c', axiom, p(X) | ~ q(X,\"d\") | X != 'E').",
        "cnf(empty, axiom, $false).",
    ]
    problem = parse_problem("\n".join(lines), "test")
    assert [statement_text(statement) for statement in problem.statements] == lines


@pytest.mark.parametrize(
    ("archive", "problems", "statements"),
    [("m2k_dev.tar.xz", 1626, 10400), ("tptp_cnf_noeq_dev.tar.xz", 710, 17692)],
)
def test_whole_libraries_load_in_seconds(
    archive: str, problems: int, statements: int, tmp_path: Path
) -> None:
    if not (DATA / archive).is_file():
        pytest.skip(f"no {archive}: SELFPLAY_PROVING_DATA names the folder that has it")
    with tarfile.open(DATA / archive) as packed:
        packed.extractall(tmp_path, filter="data")
    files = problem_files(tmp_path)
    start = time.process_time()
    found = sum(len(read_problem(file).statements) for file in files)
    assert (len(files), found) == (problems, statements)
    assert time.process_time() - start < 10
