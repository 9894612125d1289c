"""The server of a page: on this machine, for the browser that it opens, until Ctrl-C."""

from __future__ import annotations

import errno
import html
import os
import re
import secrets
import socket
import sys
import threading
import webbrowser
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from selfplay.web.channel import MESSAGE_LIMIT, TABS
from selfplay.web.guard import Guard

STATIC = Path(__file__).parent / "static"
PORT = 8420
_TRIES = 20  # ports after the one that is asked for
_LOCAL = ("127.0.0.1", "localhost", "::1")


def serve(
    routes: Sequence[BaseRoute],
    page: str,
    host: str = "127.0.0.1",
    port: int = PORT,
    open_browser: bool = True,
    load: Future[Any] | None = None,
) -> None:
    """Serves ``page`` (its body is static/PAGE.html, its module static/PAGE.js) and ``routes``.

    Prints the address and returns at Ctrl-C, by KeyboardInterrupt.  Takes one of the next 20 ports
    where ``port`` is taken; OSError where none of them is free.  Where ``load`` fails, which goes
    on behind, the server ends and raises its error.
    """
    listening = listen(host, port)
    port = listening.getsockname()[1]
    token = secrets.token_urlsafe(18)
    address = f"http://{_shown(host)}:{port}/?token={token}"
    if host not in _LOCAL:
        _warn(
            f"with --host {host} anyone who can reach this machine and knows the address can use "
            "the page; nothing of it is encrypted"
        )
    print(f"The page: {address}   (Ctrl-C ends it)", flush=True)
    if open_browser and _has_screen():
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
    server = uvicorn.Server(
        uvicorn.Config(
            application(routes, page, token, host, port),
            log_level="critical",
            lifespan="off",
            ws_max_size=MESSAGE_LIMIT,
            ws_max_queue=8,
            limit_concurrency=4 * TABS,
            h11_max_incomplete_event_size=1 << 14,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=1,
            server_header=False,
        )
    )

    def ended(load: Future[Any]) -> None:
        server.should_exit = server.should_exit or load.exception() is not None

    if load is not None:
        load.add_done_callback(ended)
    server.run(sockets=[listening])
    if load is not None and load.done():
        load.result()


def application(routes: Sequence[BaseRoute], page: str, token: str, host: str, port: int) -> Guard:
    """What the server runs: the page at /, static/ of the package, ``routes``, all guarded."""
    content = page_html(page)

    async def show(_: Request) -> HTMLResponse:
        return HTMLResponse(content)

    static = Mount("/static", StaticFiles(directory=STATIC))
    return Guard(Starlette(routes=[Route("/", show), static, *routes]), token, host, port)


def page_html(page: str) -> str:
    """The template with the page's body and module in it; ``{part X}`` is static/part_X.html."""

    def read(name: str) -> str:
        return (STATIC / f"{name}.html").read_text(encoding="utf-8")

    template = read("template")
    body = re.sub(r"\{part (\w+)\}", lambda match: read(f"part_{match[1]}").strip(), read(page))
    return template.replace("{page}", html.escape(page)).replace("{body}", body)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens at ``port``, or at the next free one, which is said.

    Raises OSError with a sentence where there is none or ``host`` is no address of this machine.
    """
    try:
        family, _, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (socket.gaierror, UnicodeError) as error:
        raise OSError(f"--host {host}: no machine has that name") from error
    for tried in range(port, min(port + _TRIES, 65536)):
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((where[0], tried, *where[2:]))
            listening.listen()
        except PermissionError as error:
            listening.close()
            raise OSError(f"port {tried} is the system's: take one above 1023") from error
        except OSError as error:
            listening.close()
            if error.errno == errno.EADDRNOTAVAIL:
                raise OSError(f"--host {host} is no address of this machine") from error
            continue
        if tried != port:
            _warn(f"port {port} is taken; the page is at port {tried}")
        return listening
    raise OSError(f"the ports {port} to {tried} are all taken: name another with --port")


def _shown(host: str) -> str:
    """The host in an address: one that stands for all of this machine's is written as local."""
    if host in ("0.0.0.0", "::"):
        return "127.0.0.1" if host == "0.0.0.0" else "[::1]"
    return f"[{host}]" if ":" in host else host


def _has_screen() -> bool:
    """Whether a browser would open a window, rather than take the terminal over."""
    if not sys.platform.startswith("linux"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _warn(sentence: str) -> None:
    print(f"selfplay: {sentence}", file=sys.stderr)
