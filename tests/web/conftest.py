"""One server for all tests of the page; the browser is that of tests/conftest.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

pytest.importorskip("starlette", reason="needs the extra web")
pytest.importorskip("httpx", reason="starlette's client of tests needs it")

from page_server import served, tictactoe


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    with served(tictactoe()) as address:
        yield address


@pytest.fixture
def open_page(browser: Any, address: str) -> Iterator[Callable[..., Any]]:
    """Opens the page in a context of its own; nothing may complain while it is open."""
    contexts, complaints = [], []

    def opened(fragment: str = "", **options: Any) -> Any:
        context = browser.new_context(viewport={"width": 1280, "height": 860}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else 0)
        page.goto(address + fragment)
        page.wait_for_selector("#board svg")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []
