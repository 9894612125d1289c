"""What verbs with a page in the browser share: options, and the sentence where the extra lacks."""

from __future__ import annotations

import argparse
import importlib.util
from collections.abc import Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from selfplay.verbs.arguments import Parser, at_least, refuse_given

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

_PACKAGES = ("starlette", "uvicorn", "websockets")
HOST, PORT = "127.0.0.1", 8420


def page_options(parser: Parser) -> None:
    """--port, --host and --no-browser."""
    port = f"where the page is served; if taken, the next free one (default: {PORT})"
    parser.add_option("--port", "PORT", port, at_least(1, 65535))
    host = f"the address it is served at (default: {HOST}, for this machine alone)"
    parser.add_option("--host", "HOST", host)
    parser.add_argument(
        "--no-browser", action="store_true", help="print the address, open no browser"
    )


def refuse_page_options(arguments: argparse.Namespace) -> None:
    """Raises ValueError where no page is asked for, and an option of pages is given."""
    refuse_given(arguments, ("port", "host", "no_browser"), "without --web")


def require_web(option: str) -> None:
    """Raises ValueError with the pip line where what ``option`` needs is not installed."""
    lacks = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if lacks:
        raise ValueError(f"{option} needs {' and '.join(lacks)}: pip install 'selfplay[web]'")


def serve_page(
    routes: Sequence[BaseRoute],
    page: str,
    arguments: argparse.Namespace,
    load: Future[Any] | None = None,
) -> None:
    """Serves until Ctrl-C, which is a KeyboardInterrupt, or until ``load`` fails."""
    from selfplay.web.server import serve

    host, port = arguments.host or HOST, arguments.port or PORT
    serve(routes, page, host, port, not arguments.no_browser, load)
