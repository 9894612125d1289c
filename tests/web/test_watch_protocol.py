"""The socket of the page of a run: what is told as its folder grows, and of bad folders."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from page_server import TOKEN, served
from run_folders import GAME, begin, iterate, measure, report, save
from starlette.testclient import TestClient
from websockets.sync.client import connect

from envs.tictactoe import TicTacToe
from selfplay.players.players import SearchPlayer
from selfplay.search import Puct
from selfplay.types import Evaluation, Game, Player, State
from selfplay.verbs.players import players_named
from selfplay.web import live
from selfplay.web.live import LiveRun
from selfplay.web.server import application
from selfplay.web.watch import routes, watched_folder

OURS = "http://127.0.0.1:8420"


@pytest.fixture(autouse=True)
def no_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "PACE", 0.0)


def told(run: LiveRun) -> dict[str, Any]:
    return run.look()[1]


class Tab:
    """A socket from which one waits for what matters."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket

    def ask(self, do: str, **more: Any) -> None:
        self._socket.send_json({"do": do, **more})

    def wait(self, kind: str, fits: Callable[[Any], bool] = lambda _: True) -> Any:
        while True:
            message = self._socket.receive_json()
            assert kind == "error" or "error" not in message, message
            if kind in message and fits(message[kind]):
                return message[kind]


@contextlib.contextmanager
def watching(folder: Path, path: str = "/watch") -> Iterator[Tab]:
    app = application(routes(LiveRun(folder), players_named), "watch", TOKEN, "127.0.0.1", 8420)
    with TestClient(app, base_url=OURS) as client:
        client.get(f"/?token={TOKEN}")
        with (
            contextlib.suppress(CancelledError),  # the client does not wait for the end
            client.websocket_connect(
                f"ws://127.0.0.1:8420{path}", headers={"origin": OURS}
            ) as socket,
        ):
            yield Tab(socket)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run of two iterations with a checkpoint each."""
    path = tmp_path / "run"
    begin(path)
    for iteration in (1, 2):
        iterate(path, iteration)
        save(path, iteration)
    measure(path, 2, 0.1)
    return path


def test_a_run_is_told_as_it_grows(tmp_path: Path) -> None:
    path = tmp_path / "run"
    run = LiveRun(path)
    assert (told(run)["state"], told(run)["charts"]) == ("awaited", [])
    assert "is not there yet" in told(run)["sentence"]
    begin(path)
    told(run)  # the first look at reports may be at old ones
    iterate(path, 1)
    told(run)
    version = run.look()[0]
    assert run.look()[0] == version  # nothing new, nothing to send
    iterate(path, 2)
    measure(path, 2, 0.1)
    now = told(run)
    assert (now["state"], now["phase"], now["share"], now["left"]) == (
        "running", "playing", 0.2, "1:20",
    )  # fmt: skip
    assert (now["positions"], now["games"], now["time"]) == (200, 40, "0:20")
    strength, losses, speed = now["charts"]
    assert [each["name"] for each in strength["series"]] == ["with search", "net alone"]
    assert strength["series"][0]["points"] == [[20.0, 200.0, 0.1, 0.05, 0.2]]
    assert losses["series"][0]["points"] == [[10.0, 100.0, 2.0], [20.0, 200.0, 1.0]]
    assert speed["series"][0]["points"] == [[4.0, 100.0, 1000.0], [14.0, 200.0, 2000.0]]


def test_a_line_that_is_not_whole_is_waited_for(folder: Path) -> None:
    run = LiveRun(folder)
    told(run)
    line = json.dumps({"step": 300, "phase": "learn", "cost/wall_s": 30.0})
    with (folder / "metrics.jsonl").open("a") as file:
        file.write(line[:20])
        file.flush()
        assert told(run)["positions"] == 200
        file.write(line[20:] + "\nnonsense\n")
    now = told(run)
    assert now["positions"] == 300
    assert now["faults"] == [f"{folder}/metrics.jsonl: 1 line is damaged and left out"]


def test_a_resumed_run_begins_its_curves_anew(folder: Path) -> None:
    run = LiveRun(folder)
    assert told(run)["positions"] == 200
    lines = (folder / "metrics.jsonl").read_text().splitlines(keepends=True)
    (folder / "other").write_text("".join(lines[:2]))
    (folder / "other").rename(folder / "metrics.jsonl")
    now = told(run)
    assert now["positions"] == 100
    assert [len(each["points"]) for chart in now["charts"] for each in chart["series"]] == [1, 1, 1]


def test_states_and_their_sentences(folder: Path) -> None:
    assert told(LiveRun(folder))["sentence"] == (
        f"The training has stopped; selfplay train {folder} goes on with it."
    )
    (folder / "provenance.json").write_text('{"finished": true}')
    assert told(LiveRun(folder))["sentence"] == "The training has ended."
    report(folder, 200, "strength", strength__own_mistake_rate=0.1, cost__stopped=1.0)
    assert "ended early" in told(LiveRun(folder))["sentence"]


def test_a_checkpoint_is_placed_in_time_by_its_iteration(folder: Path) -> None:
    last = told(LiveRun(folder))["checkpoints"][-1]
    assert last == {"step": 2, "seconds": 20.0, "positions": 200, "time": "0:20"}


def test_a_damaged_config_leaves_the_curves(folder: Path) -> None:
    (folder / "config.json").write_text("{")
    now = told(LiveRun(folder))
    assert (now["state"], len(now["charts"])) == ("damaged", 3)
    assert "config.json" in now["faults"][0]
    assert now["no_board"] == "Its games cannot be shown without its config."


def test_a_run_of_another_version_leaves_the_curves(folder: Path) -> None:
    begin(folder, engine={"warp": 9})
    now = told(LiveRun(folder))
    assert (now["state"], len(now["charts"])) == ("damaged", 3)
    assert "engine" in now["faults"][0]


def test_a_stranger_s_game_runs_no_code(folder: Path) -> None:
    begin(folder, game="os:System")
    now = told(LiveRun(folder))
    assert "--trust" in now["faults"][0]
    assert len(now["charts"]) == 3


def test_proofs_have_curves_and_no_board(tmp_path: Path) -> None:
    now = told(LiveRun(Path(__file__).parents[2] / "runs" / "reference" / "prove"))
    assert (now["state"], now["charts"][0]["title"]) == ("finished", "Test problems proved")
    assert now["charts"][2]["series"][0]["name"] == "inferences/s"
    assert now["no_board"].startswith("Proofs have no board")


def test_a_random_move_is_the_line_to_be_below() -> None:
    now = told(LiveRun(Path(__file__).parents[2] / "runs" / "reference" / "connect4"))
    ((name, rate),) = now["charts"][0]["levels"]
    assert name == "a random move"
    assert rate == pytest.approx(0.366, abs=5e-4)
    assert now["charts"][0]["series"][0]["points"][-1][2] < 0.1 * rate
    assert (now["playable"], now["no_board"][-23:]) == (True, "holds no recorded game.")


def test_where_no_run_can_begin_is_one_sentence(tmp_path: Path) -> None:
    assert watched_folder(str(tmp_path / "later"), None) == tmp_path / "later"
    with pytest.raises(ValueError, match="there is no folder"):
        watched_folder(str(tmp_path / "a" / "b"), None)
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(ValueError, match="is not a run folder"):
        watched_folder(str(tmp_path), None)
    with pytest.raises(ValueError, match="is a file: name the folder of a run;"):
        watched_folder(str(tmp_path / "notes.txt"), None)


def test_a_game_is_shown_move_by_move_with_what_the_checkpoint_thinks(folder: Path) -> None:
    save(folder, 2, GAME + "5 1 9 3 2 8 # opening 0 seed 1\n")
    with watching(folder) as tab:
        assert tab.wait("run")["latest_game"] == "000002.txt"
        tab.ask("agent", step=1)
        tab.ask("game")
        game = tab.wait("game")
        assert (game["moves"], game["opening"]) == (["1", "5", "2", "4", "3"], 2)
        assert (game["number"], game["of"]) == (1, 2)
        thoughts = tab.wait("thoughts", lambda each: each["last"])
        assert (thoughts["node"], len(thoughts["rows"])) == (0, 9)
        assert thoughts["who"] == f"{folder}@1"
        tab.ask("ply", ply=5)
        end = tab.wait("board", lambda each: each["ply"] == 5)
        assert (end["over"], end["result"]) == (True, "The first player wins.")
        tab.ask("game")
        assert tab.wait("game")["moves"] == ["5", "1", "9", "3", "2", "8"]
        save(folder, 3)
        tab.ask("game")
        assert tab.wait("game")["file"] == "000003.txt"


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"do": "ply", "ply": 1}, "no game is shown yet"),
        ({"do": "agent", "step": 9}, "has no checkpoint '9'"),
        ({"do": "agent", "step": "../../x"}, "has no checkpoint"),
        ({"do": "layer", "layer": "x"}, "a layer is one of"),
        ({"do": "dance"}, "a page does one of"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    folder: Path, asked: dict[str, Any], sentence: str
) -> None:
    with watching(folder) as tab:
        tab.ask(**asked)
        assert sentence in tab.wait("error")


def test_games_and_checkpoints_that_are_damaged_are_one_sentence(folder: Path) -> None:
    save(folder, 3, "1 1 # opening 0 seed 7\n")
    (folder / "checkpoints" / "000003.pt").write_bytes(b"no checkpoint")
    with watching(folder) as tab:
        tab.ask("game")
        assert "no game of tictactoe" in tab.wait("error")
        (folder / "games" / "000003.txt").write_text(GAME)
        tab.ask("game")
        assert "000003.pt" in tab.wait("error")


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


@pytest.mark.parametrize("way", ["hidden", "closed"])
def test_nothing_is_thought_when_nobody_looks(folder: Path, way: str) -> None:
    slow = Slow()

    def load(names: list[str], spec: str | None, _: int | None) -> tuple[str, Game, list[Player]]:
        return "tictactoe", TicTacToe(), [SearchPlayer(names[0], Puct(), slow)]

    with served(routes(LiveRun(folder), load), "watch") as address:
        ours, _, token = address.partition("/?token=")
        port = ours.rpartition(":")[2]
        cookie = {"Cookie": f"selfplay_{port}={token}"}
        with connect(f"ws://127.0.0.1:{port}/watch", origin=ours, additional_headers=cookie) as tab:
            tab.send('{"do": "game"}')
            while json.loads(tab.recv()).get("thoughts", {}).get("simulations", 0) < 32:
                pass
            if way == "hidden":
                tab.send('{"do": "look", "on": false}')
                time.sleep(0.5)
                ended = slow.asked
                time.sleep(0.5)
                assert slow.asked == ended
        time.sleep(0.5)
        ended = slow.asked
        time.sleep(0.5)
    assert slow.asked == ended > 32


def test_the_checkpoints_can_be_played(folder: Path) -> None:
    with watching(folder, "/play") as tab:
        run = tab.wait("offered")["runs"][0]
        assert run == {"name": str(folder), "steps": [1, 2], "recorded": True}
        assert tab.wait("view")["seats"] == ["", f"{folder}@2"]
        tab.ask("new", seats=["", f"{folder}@1"], simulations=8, moves=[4])
        assert len(tab.wait("view", lambda view: len(view["moves"]) == 2)["moves"]) == 2


def test_the_games_of_a_file_are_listed_and_one_is_shown_when_it_is_opened(folder: Path) -> None:
    save(folder, 2, "5 5 9\n")
    with watching(folder, "/play") as tab:
        start = tab.wait("view")
        tab.ask("files", run=str(folder))
        assert tab.wait("files") == ["000002.txt", "000001.txt"]
        tab.ask("read", run=str(folder), file="000001.txt", ask=7)
        assert tab.wait("ask") == 7
        tab.ask("pause")
        assert tab.wait("view")["tree"]["seed"] == start["tree"]["seed"]
        tab.ask("open", number=0)
        moves = tab.wait("view", lambda view: view["tree"]["seed"] != start["tree"]["seed"])["line"]
        assert [move["name"] for move in moves] == ["", "1", "5", "2", "4", "3"]
        tab.ask("read", run=str(folder), file="000002.txt", open=True)
        assert tab.wait("recorded") == [["line 1", 3]]
        assert "5 cannot be played here" in tab.wait("error")


def test_runs_of_another_game_or_without_games_are_not_reviewed(folder: Path) -> None:
    for path in folder.glob("games/*.txt"):
        path.write_text("")
    assert told(LiveRun(folder))["latest_game"] is None
    assert told(LiveRun(folder))["no_board"] == f"{folder} holds no recorded game."
    with watching(folder, "/play") as tab:
        assert tab.wait("offered")["runs"][0]["recorded"] is False
        tab.ask("files", run=str(folder))
        assert tab.wait("files") == []
        tab.ask("new", game="connect4", seats=["", ""])
        tab.ask("files", run=str(folder))
        assert tab.wait("error") == f"there is no run {str(folder)!r} of connect4 on this page"


def test_the_time_of_a_resumed_run_does_not_go_back(folder: Path) -> None:
    """The clock of its checkpoint is earlier than the measurement that came after it."""
    report(folder, 200, "strength", cost__wall_s=26.0, strength__own_mistake_rate=0.1)
    report(folder, 300, "learn", learn__policy_loss=1.0, cost__wall_s=24.0)
    report(folder, 300, "strength", cost__wall_s=25.0, strength__own_mistake_rate=0.1)
    now = told(LiveRun(folder))
    strength, losses, _ = (each["series"][0]["points"] for each in now["charts"])
    assert [point[:2] for point in strength] == [[20.0, 200.0], [26.0, 200.0], [26.0, 300.0]]
    assert (losses[-1][0], now["time"]) == (26.0, "0:26")
