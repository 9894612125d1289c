"""A server of the page in a thread of the tests."""

from __future__ import annotations

import contextlib
import functools
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.testclient import TestClient

from selfplay.verbs.players import players_named
from selfplay.web.catalogue import Catalogue
from selfplay.web.play import routes
from selfplay.web.server import application

TOKEN = "a-token-of-this-start"
OURS = "http://127.0.0.1:8420"


def tictactoe() -> list[Any]:
    """The routes of the page for tic-tac-toe against its solver."""
    return routes(solved())


@functools.cache
def solved() -> Catalogue:
    """It solves the game once; the locks of the routes are of one event loop."""
    return Catalogue(players_named, "solver", "tictactoe")


@contextmanager
def served(page_routes: list[Any], page: str = "play") -> Iterator[str]:
    """A server in a thread; the address of its page."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        app = application(page_routes, page, TOKEN, "127.0.0.1", port)
        config = uvicorn.Config(
            app, log_level="critical", lifespan="off", timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{port}/?token={TOKEN}"
        finally:
            server.should_exit = True
            thread.join()


class Tab:
    """A socket from which one waits for what matters."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket

    def ask(self, do: str, **more: Any) -> None:
        self._socket.send_json({"do": do, **more})

    def send(self, text: str) -> None:
        self._socket.send_text(text)

    def next(self) -> Any:
        return self._socket.receive_json()

    def wait(self, kind: str, fits: Callable[[Any], bool] = lambda _: True) -> Any:
        """The next message of a kind that fits."""
        while True:
            message = self.next()
            if kind in message and fits(message[kind]):
                return message[kind]


def connected(page_routes: list[Any], page: str = "play") -> Iterator[Tab]:
    """A tab of a page without a browser; its socket goes by the name of the page."""
    app = application(page_routes, page, TOKEN, "127.0.0.1", 8420)
    with TestClient(app, base_url=OURS) as client:
        client.get(f"/?token={TOKEN}")
        with (
            contextlib.suppress(CancelledError),  # the client does not wait for the end
            client.websocket_connect(
                f"ws://127.0.0.1:8420/{page}", headers={"origin": OURS}
            ) as socket,
        ):
            yield Tab(socket)
