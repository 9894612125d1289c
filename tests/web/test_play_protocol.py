"""The socket of the page of play, without a browser: what is answered, refused and ended."""

from __future__ import annotations

import contextlib
import json
import random
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from examples import example
from page_server import OURS, TOKEN, Tab, connected, served, solved, tictactoe
from starlette.testclient import TestClient
from websockets.sync.client import connect

from envs import SHORT
from envs.tictactoe import TicTacToe
from selfplay.players.level_ratings import read_levels
from selfplay.players.limits import Limit
from selfplay.players.players import RandomPlayer, SearchPlayer
from selfplay.search import Puct
from selfplay.training.folder import find_run
from selfplay.types import Evaluation, Game, Player, State
from selfplay.verbs import cli, play
from selfplay.verbs.players import players_named
from selfplay.web.catalogue import KEPT, Catalogue
from selfplay.web.channel import channel_route
from selfplay.web.loading import Talk, later, talk_once_loaded
from selfplay.web.play import routes, talking
from selfplay.web.server import application, serve
from selfplay.web.table import Table, begun


@pytest.fixture
def tab() -> Iterator[Tab]:
    yield from connected(tictactoe())


def test_a_tab_is_offered_what_can_be_played_and_shown_the_start(tab: Tab) -> None:
    offered = tab.wait("offered")
    assert (offered["game"], offered["own"], offered["solver"]) == ("tictactoe", ["solver"], True)
    assert "proving" not in offered["games"]
    view = tab.wait("view")
    assert (view["mover"], view["seats"], len(view["legal"])) == (0, ["", "solver"], 9)
    assert view["svg"].startswith("<svg")
    thoughts = tab.wait("thoughts")
    assert (thoughts["win"], len(thoughts["rows"])) == (0.5, 9)


def test_the_course_tells_what_a_move_lost(tab: Tab) -> None:
    tab.ask("new", seats=["", ""], moves=[0, 1])
    judged = tab.wait("judged", lambda move: move["node"] == 2)
    assert (judged["mark"], judged["lost"], judged["better"]) == ("blunder", 1.0, "5")
    assert (judged["win"], judged["truth"], judged["retry"]) == (1.0, 1.0, True)
    tab.ask("retry", node=2)
    assert tab.wait("view")["node"] == 1
    tab.ask("retry", node=1)
    assert "moves that lose 0.2 are tried again" in tab.wait("error")


def test_branches_stand_beside_the_line(tab: Tab) -> None:
    tab.ask("new", seats=["", ""], moves=[4, 0, 8])
    tab.ask("go", node=1)
    tab.ask("play", action=2)
    view = tab.wait("view", lambda view: view["node"] == 4)
    assert view["tree"]["nodes"] == [[1, 0, "5"], [2, 1, "1"], [3, 2, "9"], [4, 1, "3"]]
    assert [move["name"] for move in view["line"]] == ["", "5", "3"]
    tab.ask("remove", node=4)
    assert tab.wait("view")["node"] == 1


def test_a_link_restores_all_branches_where_one_looked(tab: Tab) -> None:
    tab.ask("new", seats=["", ""], moves=[4, 0, 8])
    tab.ask("go", node=1)
    tab.ask("play", action=2)
    view = tab.wait("view", lambda view: view["node"] == 4)
    assert view["branches"] == [[4, 0, 8], [4, 2]]
    tab.ask("go", node=1)
    view = tab.wait("view", lambda view: view["node"] == 1)
    tab.ask("new", seats=["", ""], moves=view["moves"], branches=view["branches"], waits=True)
    again = tab.wait("view", lambda told: told["tree"]["seed"] != view["tree"]["seed"])
    assert (again["tree"]["nodes"], again["node"]) == (view["tree"]["nodes"], 1)


def test_a_game_without_branches_needs_none_in_its_link(tab: Tab) -> None:
    tab.ask("new", seats=["", ""], moves=[4, 0])
    assert tab.wait("view", lambda view: view["moves"] == [4, 0])["branches"] == []


def test_a_random_opening_has_so_many_moves_and_ends_no_game(tab: Tab) -> None:
    tab.ask("new", seats=["", ""], random=6)
    view = tab.wait("view", lambda view: len(view["moves"]) == 6)
    assert (len(set(view["moves"])), view["over"], view["mover"]) == (6, False, 0)
    tab.ask("new", seats=["", ""], random=9)
    assert tab.wait("error") == "random games of tictactoe end before 9 moves are played"


def test_the_worst_moves_and_the_truth_from_the_start_on_come_from_the_course(tab: Tab) -> None:
    """2 beside the corner 1 loses; 3 then blocks nothing and gives the win away."""
    tab.ask("new", seats=["", ""], moves=[0, 1, 2])
    start = tab.wait("judged", lambda move: move["node"] == 0)
    assert (start["truth"], start["worst"]) == (0.5, [])
    assert tab.wait("judged", lambda move: move["node"] == 2)["worst"] == [2]
    assert tab.wait("judged", lambda move: move["node"] == 3)["worst"] == [2, 3]


def test_levels_tell_the_elo_that_was_measured() -> None:
    offered = Catalogue(players_named, "connect4", "connect4").offered("connect4")
    rated = offered["rated"]["connect4"]
    assert rated["simulations"] == 64
    measured = read_levels(find_run("connect4").path)
    assert measured is not None
    assert rated["elo"]["3"] == list(measured.of(3) or ())[1:]
    assert sorted(rated["elo"]) == [*"123456789"]
    catalogue = Catalogue(players_named, "solver", "tictactoe")
    catalogue.runs = []
    assert catalogue.offered("tictactoe")["rated"] == {}


def test_a_game_is_offered_once_by_its_name_without_options() -> None:
    spec = SHORT["othello-6x6"]
    catalogue = Catalogue(players_named, "random", spec)
    assert catalogue.game == "othello-6x6"
    assert spec not in catalogue.specs()


def begun_by(*words: str) -> Any:
    """How the page of ``selfplay play WORDS --web`` begins."""
    arguments = cli._parser()[0].parse_args(["play", *words, "--web"])
    page = [channel_route("/play", play._page(arguments))]
    (view,) = [tab.wait("view") for tab in connected(page)]
    return view


def test_a_page_begins_with_the_limit_in_the_name_or_the_option() -> None:
    """A run's can be changed on the page, so it is no part of its name there."""
    by_time = {"simulations": 20_000, "seconds": 0.3}
    for words in (["connect4:0.3s"], ["connect4", "--seconds", "0.3"]):
        view = begun_by(*words)
        assert (view["limit"], view["seats"]) == (by_time, ["", "connect4"])
    view = begun_by("connect4:30:level=2", "--side", "second")
    assert (view["limit"]["simulations"], view["limit"]["seconds"]) == (30, None)
    assert view["seats"] == ["connect4:level=2", ""]
    assert begun_by("runs/reference/connect4:0")["seats"] == ["", "runs/reference/connect4:0"]


def test_a_search_has_the_seconds_that_were_asked_for_and_rollouts_their_number() -> None:
    page = talking(Catalogue(players_named, "mcts:30", "tictactoe"), 1, Limit(seconds=0.2))
    for tab in connected([channel_route("/play", page)]):
        thought = tab.wait("thoughts", lambda told: told["last"])
        assert (thought["simulations"], thought["node"]) == (30, 0)
        tab.ask("new", game="connect4", seats=["", "mcts:20"], seconds=9, moves=[3])
        told = tab.wait("thoughts", lambda told: told["last"] and told["node"] == 1)
        assert told["simulations"] == 20


def test_rollouts_are_bounded_as_searches_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert begun_by("mcts:60000", "--game", "tictactoe")["seats"] == ["", "mcts:20000"]
    assert "a search has at most 20,000 simulations, or 60 s a move" in capsys.readouterr().err
    table = Table(solved(), begun(solved(), limit=Limit(seconds=2)))
    assert table.limit_of("mcts:60000:level=3") == Limit(20_000, 60.0)
    assert table.limit_of("solver").seconds == 2


def test_a_solver_of_late_positions_alone_neither_plays_nor_advises() -> None:
    example("othello")
    catalogue = Catalogue(players_named, "random", "othello")
    catalogue.runs = []
    assert catalogue.adviser("othello") == "mcts:400"
    assert catalogue.offered("othello")["solver"] is False
    assert catalogue.solver("othello") is not None  # for the course of a game, near its end
    with pytest.raises(ValueError, match="'solver' is no player that this page offers"):
        catalogue.player("solver", "othello")


def test_an_engine_plays_and_another_advises() -> None:
    catalogue = Catalogue(players_named, "gtp:x", "tictactoe")
    catalogue.runs = []
    assert catalogue.adviser("tictactoe") == "solver"


def test_a_tab_waits_until_what_plays_is_loaded_or_is_told_why_not() -> None:
    for error in (None, ValueError("there is no run 'x'")):
        load: Future[Talk] = Future()
        for tab in connected([channel_route("/play", talk_once_loaded(load))]):
            assert tab.wait("loading") == "Loading ..."
            if error:
                load.set_exception(error)
                assert tab.wait("error") == "there is no run 'x'"
            else:
                load.set_result(talking(Catalogue(players_named, "solver", "tictactoe")))
                assert tab.wait("view")["game"] == "tictactoe"


def test_a_server_ends_with_the_error_of_what_it_loads() -> None:
    def fail() -> None:
        raise ValueError("there is no run 'x'")

    # in a thread of its own: browsers of other tests keep an event loop in this one
    with (
        ThreadPoolExecutor(1) as pool,
        pytest.raises(ValueError, match="there is no run 'x'"),
    ):
        pool.submit(serve, [], "play", port=8600, open_browser=False, load=later(fail)).result()


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"do": "new", "random": 99}, "random are from 0 to 20"),
        ({"do": "new", "branches": [[9]]}, "tictactoe has no action 9"),
        ({"do": "new", "branches": [4]}, "moves are a list of whole numbers"),
        ({"do": "play", "action": 99}, "tictactoe has no action 99"),
        ({"do": "play", "action": "4"}, "action is a whole number"),
        ({"do": "go", "node": 7}, "there is no node 7"),
        ({"do": "undo"}, "there is no move of yours"),
        ({"do": "layer", "layer": "x"}, "a layer is one of"),
        ({"do": "new", "game": "os:system"}, "'os:system' is no game of this page"),
        ({"do": "new", "seats": ["", "gtp:touch /tmp/x"]}, "is no player that this page offers"),
        ({"do": "new", "seats": ["", "../../etc"]}, "is no player that this page offers"),
        ({"do": "new", "seats": ["", "minimax:99"]}, "is no player that this page offers"),
        ({"do": "new", "simulations": 10**9}, "simulations are from 1 to 20,000"),
        ({"do": "read", "run": "/etc", "file": "passwd"}, "there is no run '/etc'"),
        ({"do": "read", "text": "no game at all"}, "what was pasted"),
        ({"do": "read", "text": "[Event"}, "what was pasted, line 1: a tag pair is not complete"),
        ({"do": "open", "number": 3}, "there is no such game"),
        ({"do": "dance"}, "a page does one of"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    tab: Tab, asked: dict[str, Any], sentence: str
) -> None:
    tab.ask(**asked)
    told = tab.wait("error")
    assert sentence in told
    assert told.count("what was pasted") <= 1


def test_two_hundred_malformed_messages_leave_the_tab_alive(tab: Tab) -> None:
    rng = random.Random(3)
    values: list[Any] = [
        None,
        -1,
        1e300,
        "",
        "x" * 999,
        [],
        [[]],
        {},
        True,
        2**70,
        "\x00",
        [9] * 99,
    ]
    asked = ["new", "seats", "play", "go", "retry", "remove", "main", "layer", "offer", "read",
             "files", "open"]  # fmt: skip
    keys = ["game", "seats", "moves", "simulations", "seconds", "action", "node", "layer", "text",
            "run", "file", "number", "opening", "branches", "random"]  # fmt: skip
    for _ in range(200):
        told = {rng.choice(keys): rng.choice(values) for _ in range(rng.randint(1, 4))}
        tab.ask(rng.choice(asked), **told)
    tab.ask("new", game="tictactoe", seats=["", ""], moves=[4])
    assert tab.wait("view", lambda view: view["moves"] == [4])["mover"] == 1


class Slow:
    """A net's stand-in that takes its time, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, game: Game, state: State) -> Evaluation:
        self.asked += 1
        time.sleep(0.01)
        batch = len(state.mover) if hasattr(state, "mover") else len(state[0])
        flat = np.zeros((batch, game.num_actions), np.float32)
        return Evaluation(flat, np.zeros(batch, np.float32), np.zeros(batch, np.float32))


def slow_catalogue(slow: Slow) -> Catalogue:
    """Of tic-tac-toe, whose player searches with a slow net."""

    def load(names: list[str], spec: str | None, _: int | None) -> tuple[str, Game, list[Player]]:
        return "tictactoe", TicTacToe(), [SearchPlayer(names[0], Puct(), slow)]

    return Catalogue(load, "slow", "tictactoe")


def test_a_closed_tab_ends_its_search_within_a_second() -> None:
    slow = Slow()
    with served(routes(slow_catalogue(slow))) as address:
        ours, _, token = address.partition("/?token=")
        port = ours.rpartition(":")[2]
        cookie = {"Cookie": f"selfplay_{port}={token}"}
        with connect(f"ws://127.0.0.1:{port}/play", origin=ours, additional_headers=cookie) as tab:
            while json.loads(tab.recv()).get("thoughts", {}).get("simulations", 0) < 32:
                pass
        asked = slow.asked
        time.sleep(0.5)
        ended = slow.asked
        time.sleep(0.5)
    assert asked > 32
    assert slow.asked == ended


def test_the_search_that_one_looks_at_goes_on_while_the_course_is_judged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Judging a position takes 40 simulations of 10 ms, and the search is told every 100 ms."""
    monkeypatch.setattr("selfplay.web.table.JUDGE", Limit(simulations=40))
    for tab in connected(routes(slow_catalogue(Slow()))):
        tab.ask("new", seats=["", ""], moves=[4, 0])
        tab.wait("judged", lambda move: move["node"] == 0)
        told = []
        while "judged" not in (message := tab.next()):
            told += [message["thoughts"]["simulations"]] if "thoughts" in message else []
        assert len(told) >= 3
        assert told == sorted(set(told))


def test_players_that_were_asked_for_last_are_kept() -> None:
    loaded: list[str] = []

    def load(names: list[str], spec: str | None, _: int | None) -> tuple[str, Game, list[Player]]:
        loaded.append(names[0])
        return "tictactoe", TicTacToe(), [RandomPlayer()]

    catalogue = Catalogue(load, "random", "tictactoe")
    names = [f"mcts:{rollouts}" for rollouts in range(1, KEPT + 1)]
    for name in ["random", *names[:-1], "random", names[-1], "random"]:
        catalogue.player(name, "tictactoe")
    assert loaded == ["random", *names]
    catalogue.player(names[0], "tictactoe")
    assert loaded == ["random", *names, names[0]]


def test_two_that_play_each_other_go_on_to_the_end_and_can_be_paused(tab: Tab) -> None:
    tab.ask("new", seats=["random", "random"])
    ended = tab.wait("view", lambda view: view["over"])
    assert ended["result"]
    tab.ask("go", node=0)
    waiting = tab.wait("view", lambda view: view["node"] == 0)
    assert (waiting["paused"], waiting["yours"]) == (True, False)
    tab.ask("move")
    assert tab.wait("view")["moves"] != []


def test_twenty_tabs_are_served_side_by_side() -> None:
    app = application(tictactoe(), "play", TOKEN, "127.0.0.1", 8420)
    with TestClient(app, base_url=OURS) as client:
        client.get(f"/?token={TOKEN}")
        opened = [
            client.websocket_connect("ws://127.0.0.1:8420/play", headers={"origin": OURS})
            for _ in range(20)
        ]
        tabs = [Tab(socket.__enter__()) for socket in opened]
        for tab in tabs:
            tab.ask("new", seats=["", "solver"])
            tab.ask("play", action=4)
        for tab in tabs:
            assert len(tab.wait("view", lambda view: len(view["moves"]) == 2)["moves"]) == 2
        for socket in opened:
            with contextlib.suppress(CancelledError):
                socket.__exit__(None, None, None)
