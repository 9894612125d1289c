"""Fixtures that several test files share."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import program
import pytest
from reference import HashedEvaluator, uniform

from envs import importing
from selfplay.system import workers
from selfplay.types import Evaluator

# a job in the background ignores the first, one of nohup the second
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


# processes of provers would import torch each, where actors were the first to have some
workers.preloaded.append("selfplay.proving.workers")

# nets run on the CPU, in the processes that tests start too; what is for a GPU names it
os.environ["SELFPLAY_DEVICE"] = "cpu"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for_gpus = [item for item in items if item.get_closest_marker("cuda")]
    if for_gpus:
        import torch

        if not torch.cuda.is_available():
            for item in for_gpus:
                item.add_marker(pytest.mark.skip(reason="torch finds no CUDA GPU here"))


@pytest.fixture(scope="session", autouse=True)
def _own_decisions(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What a test trusts is remembered in a folder of the tests."""
    os.environ["XDG_CONFIG_HOME"] = str(tmp_path_factory.mktemp("decisions"))


@pytest.fixture(autouse=True)
def _own_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    """A game that one test imports is not looked for by the processes that another starts."""
    monkeypatch.setattr(importing, "_own", {})
    monkeypatch.setattr(importing._beside, "found", {})


@pytest.fixture(scope="session")
def hashed() -> HashedEvaluator:
    """Opinions that look random and never change."""
    return HashedEvaluator()


@pytest.fixture(scope="session")
def no_opinion() -> Evaluator:
    """All actions alike, every position even."""
    return uniform


@pytest.fixture
def selfplay(tmp_path: Path) -> Callable[..., CompletedProcess[str]]:
    """``selfplay("games", "--json")`` is that command in ``tmp_path``: see ``program.run``."""
    return partial(program.run, tmp_path)


CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """The one Chromium that drives all pages: a process can hold but one of playwright's loops."""
    if CHROMIUM is None:
        pytest.skip("needs Debian's chromium")
    sync_api = pytest.importorskip("playwright.sync_api", reason="drives the browser")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()
