"""The page of the mirror: a scripted player through its socket, and a keyboard in a browser."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("starlette", reason="needs the extra web")
pytest.importorskip("httpx", reason="starlette's client of tests needs it")

import uvicorn
from starlette.testclient import TestClient

from envs.pong import STRIDE
from selfplay.data.readers.mirror import read_played
from selfplay.mirror.duel import Duel
from selfplay.verbs.cli import main
from selfplay.web.mirror import MirrorPage
from selfplay.web.server import application, listen

TOKEN = "a-token-of-this-start"


def follow(court: list[float]) -> int:
    gap = court[1] - STRIDE * court[2]
    return 0 if abs(gap) < 0.08 else 1 if gap > 0 else 2


def told_by(socket: Any, message: dict[str, Any]) -> list[dict[str, Any]]:
    """What is answered to ``message``, up to what is told of the learning."""
    socket.send_text(json.dumps(message))
    answers = [json.loads(socket.receive_text())]
    while "told" not in answers[-1] and "error" not in answers[-1]:
        answers.append(json.loads(socket.receive_text()))
    return answers


def test_a_scripted_player_through_the_socket_is_learned(tmp_path: Path) -> None:
    page = MirrorPage(tmp_path / "saved", "alike", seed=4)
    app = application(page.routes, "mirror", TOKEN, "127.0.0.1", 8420)
    client = TestClient(app, base_url="http://127.0.0.1:8420")
    assert "<canvas" in client.get(f"/?token={TOKEN}").text
    origin = {"origin": "http://127.0.0.1:8420"}
    with client.websocket_connect("ws://127.0.0.1:8420/mirror", headers=origin) as socket:
        assert json.loads(socket.receive_text())["told"]["steps"] == 0
        assert "nothing has been played" in told_by(socket, {"save": True})[0]["error"]
        told_by(socket, {"way": "relevance"})
        court = [0.0, 0.0, 0, 0]
        for step in range(1, 1501):
            socket.send_text(json.dumps({"do": follow(court)}))
            court = json.loads(socket.receive_text())["court"]
            if step % 10 == 0:
                told = json.loads(socket.receive_text())["told"]
        assert (told["way"], told["steps"]) == ("relevance", 1500)
        assert sum(phase["samples"] for phase in told["phases"]) == 1500
        assert sum(phase["drawn"] for phase in told["phases"]) == pytest.approx(1, abs=0.002)
        far, near, away = (phase["weight"] for phase in told["phases"])
        assert near > far > away >= 0.05
        assert told["agreement"] > 0.6
        assert told["loss"] < 0.9
        saved, _ = told_by(socket, {"save": True})
        assert saved["steps"] == 1500
        assert [answer["told"]["steps"] for answer in told_by(socket, {"reset": True})] == [0]
        for wrong in ({"do": 3}, {"do": True}, {"do": [1]}, {"way": "best"}, {"nothing": 1}):
            assert "error" in told_by(socket, wrong)[0]
    played = read_played(Path(saved["saved"]))
    assert played.obs.shape == (1500, 6)
    duel = Duel("alike", seed=1)
    duel.learn_from(played, 4000)
    assert np.mean([duel.wanted(obs) for obs in played.obs] == played.action) > 0.75


def test_a_file_that_is_no_game_is_refused_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "other.npz"
    file.write_bytes(b"no archive")
    assert main(["mirror", "--no-browser", "--learn", str(file)]) == 1
    assert "is no file that 'selfplay mirror' saved" in capsys.readouterr().err
    columns = {"obs": np.full((2, 6), 3, np.float32), "action": np.zeros(2, np.int8)}
    columns |= {"relevance": np.zeros(2, np.float32), "closing": np.zeros(2, np.bool_)}
    np.savez(file, format=np.array(1), **columns)
    with pytest.raises(ValueError, match="numbers that no game of Pong has"):
        read_played(file)
    np.savez(file, format=np.array(1), **columns | {"action": np.zeros(3, np.int8)})
    with pytest.raises(ValueError, match="is damaged: obs is float32"):
        read_played(file)


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    listening = listen("127.0.0.1", 8700)
    port = listening.getsockname()[1]
    app = application(MirrorPage(tmp_path, seed=4).routes, "mirror", TOKEN, "127.0.0.1", port)
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield f"http://127.0.0.1:{port}/?token={TOKEN}"
    server.should_exit = True
    thread.join()


def test_the_page_is_played_by_keyboard(address: str, browser: Any) -> None:
    Duel().step(0)  # compiled
    page = browser.new_page(viewport={"width": 390, "height": 844})
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda line: wrong.append(line.text))
    courts: list[list[float]] = []

    def heard(text: str | bytes) -> None:
        message = json.loads(text)
        if "court" in message:
            courts.append(message["court"])

    page.on("websocket", lambda socket: socket.on("framereceived", heard))
    page.goto(address)
    page.wait_for_selector("#phases tr")
    assert page.inner_text("#pause") == "Start"
    page.keyboard.down("w")  # begins the game, too
    for _ in range(200):
        page.wait_for_timeout(50)
        if len(courts) >= 20:
            break
    page.keyboard.up("w")
    page.keyboard.press("p")
    assert page.inner_text("#pause") == "Go on"
    assert max(court[2] for court in courts) > 3
    page.get_by_role("button", name="All alike").press("Enter")
    page.wait_for_selector("[data-way=alike][aria-pressed=true]")
    page.get_by_role("button", name="Save what I played").press("Enter")
    page.wait_for_selector("#note:not([hidden])")
    assert "steps are in" in page.inner_text("#note")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert not wrong
    page.close()
