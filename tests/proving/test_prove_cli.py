"""The verbs of proving from outside: status lines, proofs, JSON, exit codes, sentences."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from program import answer, begun, refused, run
from provers import write_prover
from reference import assert_even

from envs.proving.game import OWN
from envs.proving.logic.tptp import parse_problem, read_problem
from envs.proving.proofs.checker import Verdict
from selfplay.play.proof import SLICE, ProofSession
from selfplay.players.limits import Limit
from selfplay.proving import prover as provers
from selfplay.proving.searches import unguided
from selfplay.proving.trials import Bounds
from selfplay.system import cores

FILES = {
    "theorem.p": (OWN / "pelletier" / "pelletier_24.p").read_text(),
    "hard.p": (OWN / "pelletier" / "pelletier_34.p").read_text(),
    "clauses.p": "cnf(a, axiom, p(X)). cnf(b, axiom, ~ p(c)).",
    "open.p": "fof(a, axiom, p). fof(b, conjecture, q).",
    "torn.p": "fof(a, axiom,\n  p &).",
    "typed.p": "tff(a, type, p: $o).",
    "missing.p": "include('nothing.ax').",
    "void.p": "% nothing\n",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with problems and two runs, where commands are run."""
    folder = tmp_path_factory.mktemp("place")
    for name, text in FILES.items():
        (folder / name).write_text(text)
    (folder / "set" / "inner").mkdir(parents=True)
    (folder / "empty").mkdir()
    for name in FILES.keys() - {"hard.p", "clauses.p"}:
        (folder / "set" / name).write_text(FILES[name])
    (folder / "set" / "inner" / "clauses.p").write_text(FILES["clauses.p"])
    write_prover(folder / "runs" / "walker")
    write_prover(folder / "runs" / "grapher", "graph")
    return folder


# --- prove ---------------------------------------------------------------------------------------


def test_a_proof_is_shown_for_people_and_for_programs(place: Path) -> None:
    done = run(place, "prove", "theorem.p", "--net", "none", "--proof", "both")
    assert done.returncode == 0, done.stderr
    assert re.sub(r"compiling the search, once \(\d+ s\)\n", "", done.stderr) == ""
    lines = done.stdout.splitlines()
    assert lines[0] == "% SZS status Theorem for theorem"
    assert "theorem: a closed tableau of 9 nodes" in lines
    start = lines.index("% SZS output start CNFRefutation for theorem")
    end = lines.index("% SZS output end CNFRefutation for theorem")
    assert all(re.match(r"(fof|cnf)\(.*\)\.$", line) for line in lines[start + 1 : end])
    assert "$false" in lines[end - 1]
    found = r"^% found by the unguided search: \d+ inferences, \d+\.\d\d s$"
    accepted = r"^% accepted by the independent checker: the \d+ instances"
    assert re.search(found, done.stdout, re.M)
    assert re.search(accepted, done.stdout, re.M)
    assert lines[-1] == "Next: selfplay explore none theorem.p   (walk an attempt)"
    assert "\x1b" not in done.stdout + done.stderr
    for kind in ("tableau", "tstp", "none"):
        out = run(place, "prove", "theorem.p", "--net", "none", "--proof", kind).stdout
        assert out.startswith("% SZS status Theorem for theorem\n")
        assert ("closed tableau" in out) == (kind == "tableau")
        assert ("SZS output start" in out) == (kind == "tstp")


def test_a_summary_fits_a_screen(place: Path) -> None:
    lines = run(place, "prove", "theorem.p", "--net", "none").stdout.splitlines()
    assert lines[:2] == ["% SZS status Theorem for theorem", "% goal: ? [X] : ( p(X) & r(X) )"]
    assert "theorem: a closed tableau of 9 nodes" in lines
    assert re.match(r"% found by the unguided search: 9 steps, 17 inferences, ", lines[-3])
    atoms = " | ".join(f"p(c{i})" for i in range(300))
    (place / "long.p").write_text(f"fof(a, axiom, {atoms}). fof(b, axiom, ! [X] : ~ p(X)).")
    lines = run(place, "prove", "long.p", "--net", "none", "--seconds", "10").stdout.splitlines()
    assert len(lines) < 24
    assert all(len(line) <= 100 for line in lines[:-3])
    assert "... 295 more lines: --proof tableau; for programs: --proof tstp" in lines
    assert lines[-3].startswith("% found by the unguided search: 300 steps, ")


@pytest.mark.parametrize("name", ["walker", "grapher"])
def test_a_run_guides(place: Path, name: str) -> None:
    done = run(place, "prove", "theorem.p", "--run", name, "--inferences", "2000", "--json")
    found = answer(done)
    told = [found[key] for key in ("problem", "status", "proved", "checked", "how")]
    assert told == ["theorem", "Theorem", True, True, "guided"]
    assert found["proof_steps"] >= 5
    assert 0 < found["inferences"] <= 2000
    assert found["tableau"].startswith("theorem: a closed tableau of")
    assert "SZS output end CNFRefutation" in found["tstp"]
    assert done.stderr.splitlines()[-1].startswith(f"Next: selfplay explore {name} theorem.p")


def test_clauses_are_refuted_and_no_proof_is_no_disproof(place: Path) -> None:
    done = run(place, "prove", "clauses.p", "--net", "none", "--seconds", "5")
    assert done.returncode == 0
    refuted = "% SZS status Unsatisfiable for clauses\n% no conjecture: refuting the axioms\n"
    assert done.stdout.startswith(refuted)
    done = run(place, "prove", "open.p", "--net", "none")
    assert done.returncode == 1
    assert done.stdout.startswith("% SZS status GaveUp for open\n% no proof, unguided: ")
    assert "all that there is was tried, without a proof" in done.stdout
    assert "atisfiable" not in done.stdout


def test_time_and_inferences_run_out(place: Path) -> None:
    words = ("prove", "hard.p", "--json")
    found = answer(run(place, *words, "--run", "walker", "--seconds", "0.5"), 1)
    assert (found["status"], found["proved"], found["checked"]) == ("Timeout", False, False)
    assert 0.5 <= found["seconds"] < 10
    found = answer(run(place, *words, "--net", "none", "--inferences", "500"), 1)
    assert (found["status"], found["reason"]) == ("GaveUp", "all 500 inferences are used up")


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        ("torn.p", "SyntaxError for torn", "torn.p, line 2, column 6: found ), expected "),
        ("typed.p", "SyntaxError for typed", "found tff (typed first-order logic), expected fof"),
        ("missing.p", "InputError for missing", "missing.p, line 1, column 9: there is no file"),
        ("void.p", "SyntaxError for void", "void.p states nothing: expected at least one"),
        ("absent.p", "InputError for absent", "there is no file absent.p: expected a TPTP file"),
        ("set", "InputError for set", "set is a folder: expected one TPTP file"),
    ],
)
def test_what_cannot_be_read(place: Path, words: str, status: str, sentence: str) -> None:
    done = run(place, "prove", words)
    assert (done.returncode, done.stdout) == (1, f"% SZS status {status}\n")
    assert sentence in done.stderr
    assert done.stderr.startswith("selfplay: ")
    assert done.stderr.count("\n") == 1


NO_RUN = "selfplay: there is no run 'nowhere'"
NOTHING = "means nothing to 'selfplay evaluate'"


@pytest.mark.parametrize(
    ("code", "words", "sentence"),
    [
        (1, "prove theorem.p --run nowhere", NO_RUN),
        (1, "explore nowhere theorem.p", NO_RUN),
        (1, "explore none torn.p", "selfplay: torn.p, line 2, column 6"),
        (1, "explore none set", "selfplay: set is a folder"),
        (1, "evaluate nowhere --problems set --seconds 1", NO_RUN),
        (1, "evaluate none --problems empty --seconds 1",
         "selfplay: empty has no problems: name a folder"),
        (1, "evaluate none --problems gone --seconds 1",
         "selfplay: there is no file or folder gone"),
        (1, "evaluate none", "selfplay: 'none' is for --problems"),
        (1, "evaluate walker --guided-share 1", f"selfplay: --guided-share {NOTHING} without"),
        (1, "evaluate walker --held-out", f"selfplay: --held-out {NOTHING} without"),
        (1, "evaluate walker --problems set --simulations 3",
         f"selfplay: --simulations {NOTHING} with --problems"),
        (2, "prove theorem.p --seconds 0", "'0' is not a number of seconds above 0"),
        (2, "prove theorem.p --inferences 0", "'0' is not a whole number of at least 1"),
        (2, "prove theorem.p --run walker --net none", "--net: not allowed with argument --run"),
        (2, "prove theorem.p --net walker", "invalid choice: 'walker'"),
        (2, "prove theorem.p --guided-share 2", "'2' is not a number from 0 to 1"),
        (2, "prove theorem.p --proof long", "invalid choice: 'long'"),
        (2, "prove", "the following arguments are required: PROBLEM.p"),
        (2, "explore none", "the following arguments are required: PROBLEM.p"),
    ],
)  # fmt: skip
def test_mistakes_are_one_sentence(place: Path, code: int, words: str, sentence: str) -> None:
    assert sentence in refused(run(place, *words.split()), code)


@pytest.mark.parametrize("part", ["clausify", "check_proof", "read_problem"])
def test_ctrl_c_ends_what_does_not_heed_it(
    part: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What hears nothing is left alone, and the command ends all the same."""
    left = threading.Event()

    def press(*_: Any) -> Any:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        left.wait(20)
        return Verdict(False, "never said")

    monkeypatch.setattr(provers, part, press)
    start = time.perf_counter()
    try:
        done = run(place, "prove", "theorem.p", "--net", "none", "--seconds", "15")
        assert time.perf_counter() - start < 15
    finally:
        left.set()
    assert done.returncode == 130
    assert done.stdout.startswith("% SZS status User for theorem\n")


def test_ctrl_c_tells_what_was_done(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    search, main = provers.search_unguided, threading.main_thread().ident or 0

    def pressed(matrix: Any, problem: int, bounds: Bounds, *rest: Any) -> Any:
        if bounds.inferences is None:  # it is not only getting ready
            threading.Timer(0.3, signal.pthread_kill, [main, signal.SIGINT]).start()
        return search(matrix, problem, bounds, *rest)

    monkeypatch.setattr(provers, "search_unguided", pressed)
    done = run(place, "prove", "hard.p", "--net", "none", "--seconds", "60")
    assert done.returncode == 130
    assert done.stdout.startswith("% SZS status User for hard\n")
    told = r"% no proof, unguided: [1-9][\d,]* inferences, \d\.\d+ s; interrupted"
    assert re.search(told, done.stdout)
    assert "Traceback" not in done.stderr


def test_progress_is_live_only_where_it_can_be(place: Path) -> None:
    words = ("prove", "hard.p", "--net", "none", "--seconds", "0.8")
    live = run(place, *words, terminal=True, TERM="xterm-256color").stderr
    assert "\x1b[" in live
    assert "proving hard" in live
    for terminal, kind in ((True, "dumb"), (False, "xterm-256color")):
        assert "\x1b" not in run(place, *words, terminal=terminal, TERM=kind).stderr


# --- evaluate --problems -------------------------------------------------------------------------


@pytest.fixture
def _one_core(monkeypatch: pytest.MonkeyPatch) -> None:
    """One process is started, not one a core."""
    monkeypatch.setattr(cores, "core_count", lambda: 1)


@pytest.mark.usefixtures("_one_core")
@pytest.mark.parametrize(
    "name", ["none", "grapher", pytest.param("walker", marks=pytest.mark.slow)]
)
def test_evaluate_by_set(place: Path, name: str) -> None:
    done = run(place, "evaluate", name, "--problems", "set", "--inferences", "500", "--json")
    found = answer(done)
    assert (found["problems"], found["proved"]) == (7, 2)
    assert (found["seconds"], found["inferences"]) == (None, 500)
    results = {each["problem"]: each for each in found["results"]}
    proved = {problem: each for problem, each in results.items() if each["proved"]}
    assert set(proved) == {"theorem", "clauses"}
    assert all(each["checked"] and each["proof_steps"] > 0 for each in proved.values())
    assert {each["how"] for each in proved.values()} == {"unguided" if name == "none" else "guided"}
    assert found["sets"]["inner"]["problems"] == 1
    assert found["sets"]["set"]["proved"] == 1
    statuses = {  # what prove says
        "torn": "SyntaxError", "typed": "SyntaxError", "missing": "InputError",
        "void": "SyntaxError",
    }  # fmt: skip
    assert {problem: results[problem]["status"] for problem in statuses} == statuses
    assert "4 could not be tried, for one: set/missing.p, line 1, column 9" in done.stderr
    assert done.stderr.splitlines()[-1] == f"Next: selfplay explore {name} set/missing.p"


@pytest.mark.usefixtures("_one_core")
def test_evaluate_within_seconds_and_a_limit(place: Path) -> None:
    words = ("evaluate", "none", "--problems", "set", "--limit", "1", "--seconds", "0.5")
    found = answer(run(place, *words, "--json"))
    assert [each["problem"] for each in found["results"]] == ["clauses", "missing"]
    assert (found["seconds"], found["inferences"]) == (0.5, None)


@pytest.mark.slow  # in short: judging stops when asked, in test_prover.py
def test_evaluate_tells_what_was_done_before_ctrl_c(place: Path) -> None:
    hard = place / "hard"
    hard.mkdir(exist_ok=True)
    for number in range(50):
        (hard / f"hard{number:02}.p").write_text(FILES["hard.p"])
    words = ("evaluate", "none", "--problems", "hard", "--seconds", "2", "--json")
    process = begun(place, *words)
    time.sleep(14)  # an interrupt in the middle of an import may be swallowed there
    os.killpg(process.pid, signal.SIGINT)
    try:
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    found = json.loads(out)
    assert 0 < found["problems"] < 50
    assert {each["status"] for each in found["results"]} <= {"Timeout", "User"}
    assert f"Interrupted: {50 - found['problems']} of 50 were not tried." in err
    assert "Traceback" not in err


# --- explore -------------------------------------------------------------------------------------


def test_an_attempt_is_walked(place: Path) -> None:
    typed = "1\nu\nu\ns 50\n9\nproof\nxyzzy\nhlep\ngo\nproof\n1\nu\nq\n"
    done = run(place, "explore", "walker", "theorem.p", "--simulations", "30", typed=typed)
    assert done.returncode == 0, done.stderr
    out = done.stdout
    for words in (
        "theorem: open after 0 choices", "choose the clause to begin with",
        "theorem: open after 1 choice", "       prior  visits      Q",
        "this is where the attempt begins", "9 is not a number from 1 to 1",
        "there is no proof yet: some branches are open",
        "'xyzzy' is no inference ('help' lists what you can type)",
        "'hlep' is no inference (did you mean 'help'?)", "theorem: proved after ",
        "theorem: a closed tableau of ", "checked: the ",
        "the attempt is over: 'u' takes back the last inference",
    ):  # fmt: skip
        assert words in out
    assert re.search(r"^ +1  +[\d.]+%  +\d+  +(\S+)  extension ", out, re.M)
    assert out.endswith("Bye.\nNext: selfplay prove theorem.p --run walker\n")
    assert "\x1b" not in out


def test_visits_are_those_that_were_asked_for(place: Path) -> None:
    done = run(place, "explore", "none", "hard.p", "--simulations", "0", typed="s 40\ns 60\ns x\n")
    told = re.findall(r"after ([\d,]+) simulations", done.stdout)
    assert told == ["0", "40", "100"]
    assert "say how many simulations, as in 's 500'" in done.stdout


@pytest.mark.parametrize("name", ["none", "walker", "grapher"])
def test_an_attempt_ends_with_the_input(place: Path, name: str) -> None:
    for typed in ("", None):
        done = run(place, "explore", name, "clauses.p", typed=typed)
        assert done.returncode == 0, done.stderr
        assert "There is no conjecture: the axioms are to be refuted." in done.stdout
        assert "Bye." in done.stdout


def test_the_hint_of_an_attempt_takes_equal_inferences_equally_often() -> None:
    """Three facts close the goal alike; the hint of a position stays, however often it is shown."""
    facts = " ".join(f"fof(f{i}, axiom, p(a{i}) | q(a{i}))." for i in range(3))
    problem = parse_problem(f"{facts} fof(goal, conjecture, ? [X] : (p(X) & r(X))).", "alike")
    session, hints = ProofSession(unguided(), problem), []
    for _ in range(60):
        session.play(0)
        hints.append(session.best())
        assert session.best() == hints[-1]
        session.undo()
    assert_even(np.bincount(hints, minlength=3), [[0, 1, 2]])


def test_a_search_by_time_ends_with_it_or_when_all_is_known() -> None:
    session, now = ProofSession(unguided(), read_problem(OWN / "pelletier" / "pelletier_34.p")), 0.0

    def clock() -> float:
        nonlocal now
        now += 0.1
        return now

    session.search_within(Limit(seconds=0.55), clock)
    assert session.simulations == 5 * SLICE
    session.search_within(Limit(seconds=0.25), clock)
    assert session.simulations == 7 * SLICE
    session.search_within(Limit(11))
    assert session.simulations == 7 * SLICE + 11
    known = ProofSession(unguided(), parse_problem("cnf(a, axiom, $false).", "absurd"))
    known.search_within(Limit(seconds=1e6), clock)
    assert not known.may_search


def test_an_attempt_that_is_over_from_the_start() -> None:
    session = ProofSession(unguided(), parse_problem("cnf(a, axiom, p).", "alone"))
    assert session.now.over
    assert session.legal() == []
    assert not session.is_proved()
    session.search(10)
    with pytest.raises(ValueError, match="the attempt is over: 'u' takes back"):
        session.opinion()
    with pytest.raises(ValueError, match="this is where the attempt begins"):
        session.undo()
    absurd = ProofSession(unguided(), parse_problem("cnf(a, axiom, $false).", "absurd"))
    assert not absurd.now.over
    absurd.search(8)
    first = absurd.opinion()
    absurd.play(absurd.best())
    assert absurd.is_proved()
    absurd.undo()  # what was searched is kept as long as the position is
    assert absurd.opinion() is first
