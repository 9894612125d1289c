"""The prover: what it says of problems whose answer is known, within what it is allowed."""

from __future__ import annotations

import os
import signal
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from provers import library_of, moves_are_accepted, write_prover

from envs.proving.game import OWN, Proving
from envs.proving.logic.clausify import clausify
from envs.proving.logic.recursion import look
from envs.proving.logic.tptp import parse_problem, read_problem
from envs.proving.proofs.checker import Verdict, check_clause_form, check_proof
from selfplay.config import parse_config
from selfplay.proving import batch
from selfplay.proving import prover as provers
from selfplay.proving.batch import Conditions, ProblemResult, is_trivial, judge_file, judge_files
from selfplay.proving.prover import Prover, Result
from selfplay.proving.report import TRIVIAL, by_set, judged_json, judged_lines
from selfplay.proving.searches import search_guided, unguided
from selfplay.proving.trials import Bounds, Trial, winning_line
from selfplay.search.tree import new_tree
from selfplay.system.workers import Workers
from selfplay.training.folder import RunFolder
from selfplay.training.proving_agent import load_guide, reference

PELLETIER = OWN / "pelletier"
EASY, HARD = PELLETIER / "pelletier_24.p", PELLETIER / "pelletier_34.p"
DEEP = PELLETIER / "pelletier_43.p"  # 115 inferences without a net, far more for a bad one
SATISFIABLE = "fof(a, axiom, p(c) | q). fof(b, conjecture, q)."
CHAIN = """
cnf(start, axiom, p(z)).
cnf(step, axiom, ~ p(X) | p(s(X))).
cnf(side, axiom, ~ p(X) | r(X)).
cnf(end, axiom, ~ p(s(s(z)))).
"""


@pytest.fixture(scope="module", autouse=True)
def _ready() -> None:
    """Compiling the kernels is on nobody's clock."""
    Prover(unguided()).warm_up()


def prove(text: str, bounds: Bounds, prover: Prover | None = None) -> Result:
    return (prover or Prover()).prove_problem(parse_problem(text, "made"), bounds)


@pytest.mark.parametrize("guided", [False, True])
def test_a_theorem_comes_with_a_proof_that_stands_on_its_own(guided: bool) -> None:
    prover = Prover(unguided() if guided else None)
    result = prover.prove_file(EASY, Bounds(60.0))
    assert (result.status, result.refused) == ("Theorem", False)
    assert result.how == ("guided" if guided else "unguided")
    assert result.proof is not None
    problem = read_problem(EASY)
    form = clausify(problem)
    assert check_proof(form, result.proof)
    assert check_clause_form(problem, form, {one.clause for one in result.proof.instances})
    assert 0 < result.inferences < 100
    assert 0 < result.seconds < 60
    result = prover.prove_file(HARD, Bounds(inferences=300))
    assert (result.status, result.reason) == ("GaveUp", "all 300 inferences are used up")
    assert 300 <= result.inferences < 320  # the last step may take several


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_seconds_are_a_bound(share: float) -> None:
    prover = Prover(unguided(), share)
    begun = time.perf_counter()
    result = prover.prove_file(HARD, Bounds(0.6))
    assert (result.status, result.reason) == ("Timeout", "all 0.6 seconds are used up")
    assert 0.6 <= result.seconds <= time.perf_counter() - begun < 20
    assert result.inferences > 50


def test_the_guided_search_has_a_share_of_the_seconds_but_all_inferences() -> None:
    heard: list[str] = []

    def prove_deep(bounds: Bounds) -> Result:
        heard.clear()
        prover, problem = Prover(unguided(), 0.005), read_problem(DEEP)
        return prover.prove_problem(problem, bounds, tell=lambda how, _: heard.append(how))

    result = prove_deep(Bounds(10.0))
    assert (result.status, result.how) == ("Theorem", "unguided")
    assert (heard[0], heard[-1]) == ("guided", "unguided")
    assert prove_deep(Bounds(inferences=200)).status == "GaveUp"
    assert set(heard) == {"guided"}
    assert Prover().prove_file(DEEP, Bounds(inferences=200)).status == "Theorem"


@pytest.mark.parametrize(
    ("inferences", "share", "guided"),
    [(2000, 0.5, 2000), (20_000, 0.1, 20_000), (200_000, 0.5, 110_000), (30_000, 1.0, 30_000)],
)
def test_inferences_beyond_the_first_are_shared(
    inferences: int, share: float, guided: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int | None] = []

    def search(
        game: Any, search: Any, evaluator: Any, problem: int, bounds: Bounds, *_: Any, **__: Any
    ) -> Trial:
        asked.append(bounds.inferences)
        return Trial(0, False, False, bounds.inferences or 0, 0.0)

    monkeypatch.setattr(provers, "search_guided", search)
    result = Prover(unguided(), share).prove_file(DEEP, Bounds(inferences=inferences))
    assert asked == [guided]
    assert result.inferences >= guided


def test_the_next_problem_stands_in_the_memory_of_the_last() -> None:
    prover, fresh = Prover(unguided(), 1.0), Prover(unguided(), 1.0)
    bounds = Bounds(inferences=500)
    prover.prove_file(HARD, bounds)
    before = prover.memory.forest
    again = prover.prove_file(DEEP, bounds)
    assert before is not None
    assert prover.memory.forest is not None
    assert np.shares_memory(before.tree.nodes, prover.memory.forest.tree.nodes)
    expected = fresh.prove_file(DEEP, bounds)
    assert again._replace(seconds=0.0) == expected._replace(seconds=0.0)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("fof(a, axiom, $true).", "Satisfiable"),
        ("cnf(a, axiom, p | ~ p).", "Satisfiable"),
        ("fof(a, axiom, p).", "Satisfiable"),
        ("fof(a, axiom, ! [X] : X = X).", "Satisfiable"),
        ("fof(a, axiom, ! [X] : X != X).", "Unsatisfiable"),
        ("cnf(a, axiom, $false).", "Unsatisfiable"),
        ("cnf(a, axiom, p). cnf(b, axiom, ~ p).", "Unsatisfiable"),
        ("fof(c, conjecture, $true).", "Theorem"),
        ("fof(c, conjecture, ? [X] : $true).", "Theorem"),
        ("fof(c, conjecture, ! [X] : X = X).", "Theorem"),
        ("fof(c, conjecture, $false).", "CounterSatisfiable"),
        ("fof(c, conjecture, p & ~ p).", "CounterSatisfiable"),
        ("fof(a, axiom, p => q). fof(c, conjecture, q).", "CounterSatisfiable"),
        ("fof(a, axiom, p). fof(c, conjecture, p => q).", "GaveUp"),
        ("fof(a, axiom, ! [X,Y] : X = Y). fof(c, conjecture, a = b).", "Theorem"),
        ("fof(a, axiom, 1 = 2).", "Unsatisfiable"),
        ('fof(c, conjecture, "a" != 2).', "Theorem"),
        ('fof(a, axiom, p("a") | "a" = "a").', "GaveUp"),  # one thing is not enough for all
    ],
)
@pytest.mark.parametrize("guided", [False, True])
def test_problems_of_nothing_or_little(text: str, status: str, guided: bool) -> None:
    result = prove(text, Bounds(inferences=2000), Prover(unguided()) if guided else None)
    assert (result.status, result.refused) == (status, False)
    if status == "GaveUp":  # a search that ends refutes nothing
        assert (result.proof, result.how) == (None, "")
        assert result.reason == "all that there is was tried, without a proof"


def test_a_guided_search_that_breaks_leaves_the_problem_to_the_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: Any, **__: Any) -> Trial:
        raise IndexError("index 3\nis out of bounds")

    monkeypatch.setattr(provers, "search_guided", broken)
    result = Prover(unguided()).prove_file(EASY, Bounds(60.0))
    assert (result.status, result.how) == ("Theorem", "unguided")
    assert capsys.readouterr().err == (
        "the guided search of pelletier_24 failed, please report it (IndexError: index 3 is out "
        "of bounds); the search goes on unguided\n"
    )


@pytest.mark.parametrize("part", ["clausify", "check_proof", "build_library", "read_problem"])
def test_no_part_goes_on_when_the_seconds_are_over(
    part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(*_: Any) -> Any:
        while True:
            look()

    monkeypatch.setattr(provers, part, endless)
    result = Prover().prove_file(EASY, Bounds(0.3))
    assert (result.status, result.proof) == ("Timeout", None)
    assert result.reason.startswith("all 0.3 seconds are used up, before ")
    begun = time.process_time()
    result = Prover().prove_file(EASY, Bounds(60.0), lambda: time.process_time() > begun + 0.1)
    assert (result.status, result.reason) == ("User", "interrupted")


def test_a_long_clause_is_checked_in_no_time() -> None:
    atoms = " | ".join(f"p(c{i})" for i in range(1500))
    result = prove(f"fof(a, axiom, {atoms}). fof(b, axiom, ! [X] : ~ p(X)).", Bounds(20.0))
    assert (result.status, result.proof_steps) == ("Unsatisfiable", 1500)


def test_what_the_checker_refuses_is_not_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provers, "check_proof", lambda form, proof: Verdict(False, "planted"))
    result = Prover().prove_file(EASY, Bounds(60.0))
    assert (result.status, result.proof, result.refused) == ("GaveUp", None, True)
    assert result.reason == (
        "the unguided search found a proof that the checker does not accept: planted"
    )
    told = judge_file(Prover(), EASY, Bounds(60.0))
    assert (told.proved, told.refused) == (False, True)
    lines = judged_lines([told], PELLETIER, "x", Conditions(None, Bounds(60.0), 0.5))
    assert lines[-1].startswith("A FAULT OF THIS PROVER, please report it: pelletier_24: the ")
    monkeypatch.undo()
    assert Prover().prove_file(EASY, Bounds(60.0)).status == "Theorem"
    refusing = Verdict(False, "the clauses are planted")  # they do not follow
    monkeypatch.setattr(provers, "check_clause_form", lambda *_: refusing)
    assert Prover().prove_file(EASY, Bounds(60.0)).status == "GaveUp"


def test_too_many_clauses_or_variables_are_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    atoms = " | ".join(f"p(X{i})" for i in range(2100))
    wide = prove(f"cnf(wide, axiom, {atoms}). cnf(a, axiom, ~ p(c)).", Bounds(5.0))
    assert "2,100 variables; more than 2,048 are not supported" in wide.reason
    monkeypatch.setattr(provers, "MOST_CLAUSES", 3)
    long = Prover().prove_file(EASY)
    assert long.reason == "pelletier_24 has 6 clauses; more than 3 are not searched"
    for result in (wide, long):
        assert (result.status, result.form) == ("GaveUp", None)


# one growing tree --------------------------------------------------------------------------------


@pytest.mark.parametrize("room", [8, 40, 4000])
def test_a_tree_without_room_goes_on_below_and_begins_again(room: int) -> None:
    guide = unguided()
    game = Proving(str(EASY))
    found = search_guided(
        game, guide.search, guide.opinions(game), 0, Bounds(inferences=50_000), room=room
    )
    assert found.proved
    assert moves_are_accepted(game, 0, found.actions)


def test_what_is_lost_from_the_start_is_exhausted() -> None:
    """The second problem has nothing to begin with."""
    guide = unguided()
    for text in (SATISFIABLE, "cnf(a, axiom, p)."):
        game = guide.game.on(library_of(text))
        found = search_guided(game, guide.search, guide.opinions(game), 0)
        assert (found.proved, found.exhausted, found.actions) == (False, True, ())


def test_the_winning_line_follows_what_is_sure() -> None:
    tree = new_tree(1, 3, 6)
    tree.nodes["first"][0], tree.nodes["end"][0] = [0, 2, 4], [2, 4, 6]
    tree.edges["action"][0] = [0, 1] * 3
    tree.edges["child"][0] = [-1, 1, 2, -1, -1, -1]
    tree.nodes["discount"][0, :2] = 1.0
    tree.edges["lower"][:], tree.edges["upper"][:] = -1.0, 1.0
    assert winning_line(tree, 0) is None
    tree.edges["lower"][0, [1, 2]] = 1.0
    assert winning_line(tree, 0) == (1, 0)


# guides out of runs ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["walks", "graph"])
def test_a_run_guides_though_its_problems_are_gone(kind: str, tmp_path: Path) -> None:
    run = write_prover(tmp_path / "run", kind)
    for name in (str(run), f"{run}@7"):
        guide = load_guide(name)
        assert guide.game.view == kind
        assert guide.game.start(np.zeros(1, np.int32)).tableau.literal.shape == (1, 150)
        prover = Prover(guide)
        for file in (EASY, PELLETIER / "pelletier_01.p", EASY):
            result = prover.prove_file(file, Bounds(inferences=2000))
            assert (result.status, result.how) == ("Theorem", "guided")
    for text in ("cnf(a, axiom, p | ~ p).", "cnf(a, axiom, $false).", "cnf(a, axiom, p)."):
        game = guide.game.on(library_of(text))  # of nothing, which nets read too
        opinion = guide.opinions(game)(game, game.start(np.zeros(3, np.int32)))
        assert np.isfinite(opinion.logits).all()


def test_a_run_of_another_game_guides_nothing_and_the_reference_is_there_or_not(
    tmp_path: Path,
) -> None:
    other = RunFolder(tmp_path / "other")
    other.path.mkdir()
    other.write_json("config.json", parse_config({"game": "nim", "net": {"kind": "mlp"}}).dump())
    with pytest.raises(ValueError, match="other was trained on nim, it proves nothing; train a"):
        load_guide(str(other.path))
    name = reference()
    assert name is None or load_guide(name).game.name == "proving"


# a folder of problems ----------------------------------------------------------------------------


@pytest.fixture
def problems(tmp_path: Path) -> Path:
    """Two sets, a problem that asks for nothing, one of a model, and one that cannot be read."""
    folder = tmp_path / "problems"
    (folder / "chains").mkdir(parents=True)
    (folder / "chains" / "two.p").write_text(CHAIN)
    (folder / "chains" / "open.p").write_text(SATISFIABLE)
    (folder / "easy.p").write_text(EASY.read_text())
    (folder / "same.p").write_text("fof(a, axiom, p | q). fof(b, conjecture, p | q).")
    (folder / "model.p").write_text("fof(a, axiom, p).")
    (folder / "torn.p").write_text("fof(a, axiom, p")
    return folder


def test_a_folder_is_judged_by_set(problems: Path) -> None:
    """By two processes, one of which dies: it takes one problem with it."""
    (problems / "hard.p").write_text(HARD.read_text())
    started: list[Workers] = []

    class Noted(Workers):
        def __init__(self, *what: Any) -> None:
            super().__init__(*what)
            started.append(self)

    killed: list[int] = []

    def kill() -> None:
        for process, path in started[0].busy.values():
            if path.name == "hard.p" and not killed:
                killed.append(process.pid or 0)
                os.kill(killed[0], signal.SIGKILL)

    conditions = Conditions(None, Bounds(inferences=10**9), 0.5)
    files = sorted(problems.rglob("*.p"))
    found = list(judge_files(files, conditions, 2, lambda: False, kill, Noted))
    judged = sorted(found, key=lambda one: one.file)
    told = {one.problem: one for one in judged}
    assert {name for name, one in told.items() if one.proved} == {"two", "easy", "same"}
    assert told["two"].status == "Unsatisfiable"
    assert told["two"].proof_steps >= 2
    assert told["open"].status == "GaveUp"
    assert (told["model"].status, told["model"].error) == ("Satisfiable", "")
    assert "torn.p, line 1, column 16: found the end of the text" in told["torn"].error
    assert told["hard"].error == "its process ended (SIGKILL; perhaps it took too much memory)"
    assert {name: len(own) for name, own in by_set(judged, problems).items()} == {
        "chains": 2, "problems": 4, TRIVIAL: 1,
    }  # fmt: skip
    content = judged_json(judged, problems, conditions)
    chains = content["sets"]["chains"]
    assert (chains["problems"], chains["proved"], chains["share"]) == (2, 1, 0.5)
    assert chains["low"] < 0.5 < chains["high"]
    assert [one["problem"] for one in content["results"]] == [
        "open", "two", "easy", "hard", "model", "same", "torn",
    ]  # fmt: skip
    lines = judged_lines(judged, problems, "unguided search", conditions)
    assert (
        lines[0] == f"unguided search on 7 problems of {problems}, 1,000,000,000 inferences each:"
    )
    assert lines[-1].startswith("2 could not be tried, for one: its process ended")


def test_word_for_word() -> None:
    same = "fof(a, axiom, ! [X] : p(X)). fof(b, conjecture, ! [X] : p(X))."
    other = "fof(a, axiom, ! [X] : p(X)). fof(b, conjecture, ! [Y] : p(Y))."
    texts = (same, other, "fof(a, axiom, p & q). fof(b, conjecture, p | q).", CHAIN)
    assert [is_trivial(parse_problem(text, "made")) for text in texts] == [True] + 3 * [False]


def test_judging_stops_when_asked(problems: Path) -> None:
    files = [problems / f"hard{number}.p" for number in range(20)]
    for path in files:
        path.write_text(HARD.read_text())
    stopping: list[ProblemResult] = []
    begun = time.perf_counter()
    conditions = Conditions(None, Bounds(seconds=0.5), 0.5)
    for one in judge_files(files, conditions, 1, lambda: len(stopping) >= 2, lambda: None):
        stopping.append(one)
    assert 2 <= len(stopping) <= 3
    assert {one.status for one in stopping} <= {"Timeout", "User"}
    assert time.perf_counter() - begun < 60


def test_a_run_that_is_none_is_told_by_the_first_process() -> None:
    conditions = Conditions(partial(load_guide, "nowhere"), Bounds(inferences=10), 0.5)
    with pytest.raises(ValueError, match="there is no run 'nowhere'"):
        batch._begin(lambda: False, conditions)
