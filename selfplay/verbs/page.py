"""What verbs with a page in the browser share: options, and the sentence where the extra lacks."""

from __future__ import annotations

import argparse
import importlib.util
from collections.abc import Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from selfplay.verbs.arguments import Parser, at_least

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

_PACKAGES = ("starlette", "uvicorn", "websockets")
PORT = 8420


def page_options(parser: Parser) -> None:
    """--port, --host and --no-browser."""
    port = "where the page is served; if taken, the next free one"
    parser.add_option("--port", "PORT", port, at_least(1, 65535), PORT)
    parser.add_argument(
        "--host", metavar="HOST", default="127.0.0.1",
        help="the address it is served at (default: 127.0.0.1, for this machine alone)",
    )  # fmt: skip
    parser.add_argument(
        "--no-browser", action="store_true", help="print the address, open no browser"
    )


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

    serve(routes, page, arguments.host, arguments.port, not arguments.no_browser, load)
