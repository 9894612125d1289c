"""A server of the page in a thread of the tests."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from selfplay.verbs.players import players_named
from selfplay.web.catalogue import Catalogue
from selfplay.web.play import routes
from selfplay.web.server import application

TOKEN = "a-token-of-this-start"


def tictactoe() -> list[Any]:
    """The routes of the page for tic-tac-toe against its solver."""
    return routes(Catalogue(players_named, "solver", "tictactoe"))


@contextmanager
def served(page_routes: list[Any]) -> Iterator[str]:
    """A server in a thread; the address of its page."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        app = application(page_routes, "play", TOKEN, "127.0.0.1", port)
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
