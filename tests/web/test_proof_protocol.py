"""The socket of the page of proofs, without a browser: what is made, searched, proved, refused."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from page_server import OURS, TOKEN, Tab, connected, served
from starlette.testclient import TestClient
from websockets.sync.client import connect

from envs.proving.calculus.tableau import GOAL
from envs.proving.game import OWN, SMALL
from envs.proving.logic.tptp import read_problem
from selfplay.players.limits import Limit
from selfplay.proving.prover import Prover
from selfplay.proving.searches import unguided
from selfplay.proving.trials import Bounds
from selfplay.web.desk import Desk
from selfplay.web.proof import routes
from selfplay.web.server import application


def desk(path: Path = SMALL, seconds: float = 20.0, proves: bool = False) -> Desk:
    """A page of a problem without a net."""
    return Desk(unguided(), Prover(), read_problem(path), Bounds(seconds), Limit(50), proves)


@pytest.fixture
def tab() -> Iterator[Tab]:
    yield from connected(routes(desk()), "proof")


def stands(tree: list[Any]) -> dict[str, tuple[str, str, str]]:
    """How each literal of a drawn tree is closed."""
    return {node[2]: (node[3], node[4], node[5]) for node in tree}


def test_an_attempt_begins_with_the_problem_and_the_clause_to_choose(tab: Tab) -> None:
    problem = tab.wait("problem")
    assert (problem["name"], problem["clauses"], problem["guide"]) == ("pelletier_24", 6, "")
    assert problem["statements"][-1] == "fof(goal, conjecture, ? [X] : ( p(X) & r(X) ))."
    position = tab.wait("position")
    assert position["tree"] == [[0, -1, "", "goal", "", "", -1]]
    assert position["options"] == ["start goal: ~ p(X1) | ~ r(X1)"]
    thoughts = tab.wait("thoughts", lambda each: each["rows"][0]["solved"])
    assert (thoughts["rows"][0]["value"], thoughts["value"]) == (1.0, 1.0)


def test_inferences_close_branches_and_undo_opens_them(tab: Tab) -> None:
    tab.ask("infer", action=0)
    tab.ask("infer", action=1)
    second = tab.wait("position", lambda each: each["made"] == 2)
    assert stands(second["tree"])["q(sk2)"] == ("closed", "extension", "premise_4")
    assert stands(second["tree"])["~ r(sk1)"] == ("path", "extension", "premise_2")
    assert stands(second["tree"])["q(sk1)"] == ("goal", "", "")
    partners = {(node[2], node[4]): node[6] for node in second["tree"]}
    ids = [node[0] for node in second["tree"]]
    assert ids.index(partners["~ q(sk2)", "reduction"]) == 2  # q(sk2)
    assert ids.index(partners["~ p(sk1)", "lemma"]) == 1  # the first literal of the start clause
    tab.ask("undo")
    first = tab.wait("position")
    assert stands(first["tree"])["q(sk2)"] == ("goal", "", "")
    assert (first["made"], first["open"]) == (1, 2)


def test_a_proof_made_by_hand_is_checked_and_told_with_its_clauses(tab: Tab) -> None:
    for action in (0, 1, 1):
        tab.ask("infer", action=action)
    position = tab.wait("position", lambda each: each["over"])
    assert (position["over"], position["open"], position["options"]) == ("proved", 0, [])
    proof = tab.wait("proof")
    assert (proof["status"], proof["checked"]) == ("Theorem", True)
    assert proof["steps"] == len(position["tree"]) - 1
    assert {name for name, *_ in proof["clauses"]} >= {"goal", "premise_2", "premise_4"}
    assert "% SZS output start CNFRefutation for pelletier_24" in proof["tstp"]
    assert "├─ 1  ~ p(sk1)" in proof["tableau"]


def test_the_prover_goes_on_from_where_the_person_left_off(tab: Tab) -> None:
    tab.ask("infer", action=0)
    tab.ask("go")
    ended = tab.wait("position", lambda each: each["over"])
    assert (ended["over"], ended["made"] > 1) == ("proved", True)
    assert tab.wait("proof")["checked"]


def test_the_prover_shows_its_search_and_its_proof_can_be_walked_back() -> None:
    for tab in connected(routes(desk(OWN / "pelletier" / "pelletier_34.p", proves=True)), "proof"):
        progress = tab.wait("progress")
        assert (progress["how"], progress["value"]) == ("unguided", None)
        assert progress["inferences"] > 0
        assert sum(node[3] == "goal" for node in progress["tree"]) == 1
        tab.ask("stop")
        stopped = tab.wait("position")
        assert (stopped["made"], stopped["over"]) == (0, "")
        tab.ask("problem", text=SMALL.read_text())
        assert tab.wait("problem", lambda each: each["pasted"])["name"] == "pasted"
        tab.ask("prove")
        ended = tab.wait("position", lambda each: each["over"] == "proved")
        proof = tab.wait("proof")
        assert (proof["how"], proof["checked"]) == ("unguided", True)
        tab.ask("undo")
        assert tab.wait("position")["made"] == ended["made"] - 1


def test_a_proof_that_is_larger_than_the_game_allows_is_shown_all_the_same(tab: Tab) -> None:
    steps = (f"cnf(s{i}, axiom, ~ p{i} | ~ q{i} | p{i + 1}). cnf(q{i}, axiom, q{i})."
             for i in range(100))  # fmt: skip
    ends = "cnf(first, axiom, p0). cnf(goal, negated_conjecture, ~ p100)."
    tab.ask("problem", text=" ".join([*steps, ends]))
    tab.wait("problem", lambda each: each["pasted"])
    tab.ask("prove")
    position = tab.wait("position", lambda each: each["over"] == "proved")
    assert (position["outside"], position["made"], len(position["tree"])) == (True, 0, 202)
    proof = tab.wait("proof")
    assert (proof["status"], proof["checked"], proof["steps"]) == ("Unsatisfiable", True, 201)
    tab.ask("undo")
    assert tab.wait("position")["over"] == ""


def test_what_has_no_proof_gets_the_status_and_the_reason() -> None:
    for tab in connected(routes(desk(seconds=0.5)), "proof"):
        tab.ask("problem", text="fof(a, axiom, p(a)). fof(c, conjecture, ~ p(a)).")
        tab.wait("problem", lambda each: each["pasted"])
        tab.ask("prove")
        assert tab.wait("said").startswith("CounterSatisfiable: a world")


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"do": "infer", "action": 7}, "8 is not a number from 1 to 1"),
        ({"do": "infer", "action": "0"}, "action is a whole number"),
        ({"do": "infer", "action": True}, "action is a whole number"),
        ({"do": "undo"}, "this is where the attempt begins"),
        ({"do": "search", "simulations": 10**9}, "from 1 to 5,000"),
        ({"do": "problem", "text": 3}, "a problem is text"),
        ({"do": "problem", "text": ""}, "pasted states nothing"),
        ({"do": "problem", "text": "fof(a, axiom, p(X"}, "pasted, line 1"),
        ({"do": "problem", "text": "include('/etc/passwd')."}, "no file is opened from here"),
        ({"do": "problem", "text": "fof(a, axiom, p).\n" * 12_000}, "is too long to paste"),
        ({"do": "dance"}, "a page does one of"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_changes_nothing(
    tab: Tab, asked: dict[str, Any], sentence: str
) -> None:
    tab.ask(**asked)
    assert sentence in tab.wait("error")
    tab.ask("infer", action=0)
    assert tab.wait("position", lambda each: each["made"] == 1)["goal"] > 0


def test_a_closed_tab_ends_the_prover_within_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    page = desk(OWN / "pelletier" / "pelletier_34.p", seconds=60.0)
    calls: list[float] = []
    prove: Callable[..., Any] = Prover.prove_problem
    ended: list[float] = []

    def timed(*given: Any, **named: Any) -> Any:
        calls.append(time.perf_counter())
        try:
            return prove(*given, **named)
        finally:
            ended.append(time.perf_counter())

    monkeypatch.setattr(Prover, "prove_problem", timed)
    with served(routes(page), "proof") as address:
        ours, _, token = address.partition("/?token=")
        port = ours.rpartition(":")[2]
        cookie = {"Cookie": f"selfplay_{port}={token}"}
        with connect(f"ws://127.0.0.1:{port}/proof", origin=ours, additional_headers=cookie) as tab:
            tab.recv()
            tab.send(json.dumps({"do": "prove"}))
            while "progress" not in json.loads(tab.recv(timeout=20)):
                pass
            assert not ended
        closed = time.perf_counter()
        while not ended and time.perf_counter() - closed < 5:
            time.sleep(0.01)
    assert len(ended) == len(calls) == 1
    assert ended[0] - closed < 1


def two_that_prove() -> Iterator[tuple[Tab, Tab]]:
    """Two tabs with a search that lasts."""
    page = routes(desk(OWN / "pelletier" / "pelletier_34.p", seconds=60.0))
    app = application(page, "proof", TOKEN, "127.0.0.1", 8420)
    with TestClient(app, base_url=OURS) as client:
        client.get(f"/?token={TOKEN}")
        sockets = [
            client.websocket_connect("ws://127.0.0.1:8420/proof", headers={"origin": OURS})
            for _ in range(2)
        ]
        first, second = (Tab(each.__enter__()) for each in sockets)
        first.ask("prove")
        first.wait("progress")
        second.ask("prove")
        yield first, second
        for each in sockets:
            with contextlib.suppress(CancelledError, RuntimeError):
                each.__exit__(None, None, None)


def test_tabs_prove_side_by_side() -> None:
    for first, second in two_that_prove():
        second.wait("progress")
        first.wait("progress")
        first.ask("stop")
        assert first.wait("position")["made"] == 0


def test_a_tab_that_waits_for_others_says_so_and_begins_when_one_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("selfplay.web.desk.PROVERS", 1)
    for first, second in two_that_prove():
        assert "this one begins when one of them ends" in second.wait("said")
        second.ask("stop")
        assert second.wait("position")["made"] == 0
        second.ask("prove")
        second.wait("said")
        first.ask("stop")
        second.wait("progress")


def test_the_net_of_a_page_answers_one_thread_at_a_time() -> None:
    inside, most = 0, 0

    def slow(game: Any, state: Any) -> str:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        time.sleep(0.01)
        inside -= 1
        return "answer"

    guide = unguided()._replace(opinions=lambda game: slow)  # type: ignore[arg-type,return-value]
    page = Desk(guide, Prover(guide), read_problem(SMALL), Bounds(1.0), Limit(1), False)
    assert page.provers().get_nowait().guide is page.guide
    with ThreadPoolExecutor(4) as pool:
        asks = [page.guide.opinions(guide.game) for _ in range(4)]
        told = list(pool.map(lambda ask: ask(guide.game, None), asks))
    assert told == ["answer"] * 4
    assert most == 1


def test_the_tree_of_a_search_that_went_back_is_open_right_of_the_goal() -> None:
    from envs.proving.calculus.deepening import deepen
    from envs.proving.calculus.matrix import build_library
    from envs.proving.logic.clausify import clausify
    from envs.proving.views.tableau_tree import tableau_tree

    form = clausify(read_problem(OWN / "pelletier" / "pelletier_34.p"))
    library, seen = build_library([form]), 0

    def look(_: int, tableau: Any) -> None:
        nonlocal seen
        if tableau.scalars[GOAL] > 0:
            tree = tableau_tree(library, tableau, 10_000)
            states = [node.state for node in tree.nodes]
            at = states.index("goal")
            assert set(states[:at]) <= {"path", "closed"}
            assert set(states[at + 1 :]) <= {"open"}
            seen += 1

    deepen(library.matrix, 0, inferences=400_000, watch=look)
    assert seen > 0
