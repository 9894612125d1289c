"""The page of a run in a browser, while the files of the run grow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from page_server import served
from run_folders import begin, iterate, measure, save

from selfplay.verbs.players import players_named
from selfplay.web.live import LiveRun
from selfplay.web.watch import routes


class Watching(NamedTuple):
    """A page and the folder that it shows."""

    page: Any
    folder: Path


@pytest.fixture(scope="module")
def watching(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watching]:
    """One page for all tests, which follow each other as the run goes on."""
    folder = tmp_path_factory.mktemp("runs") / "later"
    complaints: list[str] = []
    with served(routes(LiveRun(folder), players_named), "watch") as address:
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else 0)
        page.goto(address)
        yield Watching(page, folder)
        context.close()
    assert complaints == []


def text(page: Any, selector: str, words: str) -> None:
    """Waits until an element says ``words``."""
    page.wait_for_function(
        "([where, words]) => document.querySelector(where)?.textContent.includes(words)",
        arg=[selector, words],
    )


def test_a_run_that_begins_later_is_waited_for_and_then_grows(watching: Watching) -> None:
    page, folder = watching
    text(page, "#sentence", "is not there yet: this page waits for the training to begin.")
    assert page.is_hidden("#stage")
    begin(folder)
    text(page, "#sentence", "has told nothing yet")
    for iteration in (1, 2):
        iterate(folder, iteration)
        text(page, "#facts", f"positions{100 * iteration}")
    save(folder, 1)
    measure(folder, 2, 0.1)
    text(page, "#charts .card:nth-child(3)", "with search 10.0%, net alone 30.0%")
    assert page.inner_text("#state") == "running"
    assert page.inner_text("#sentence") == "It is playing."
    assert page.evaluate("document.querySelector('#used').value") == pytest.approx(0.2)


def test_a_curve_tells_its_values_by_keys_and_as_a_table(watching: Watching) -> None:
    page, _ = watching
    losses = page.locator("#charts .card", has=page.get_by_text("Losses"))
    losses.locator("svg.chart").focus()
    page.keyboard.press("Home")
    assert losses.locator(".readout").inner_text() == "0:10: policy loss 2.000, value loss 1.000"
    page.keyboard.press("ArrowRight")
    assert losses.locator(".readout").inner_text() == "0:20: policy loss 1.000, value loss 0.500"
    losses.locator("summary").click()
    losses.locator("tbody tr").nth(1).wait_for()  # the table is made when it is opened
    rows = losses.locator("tbody tr").all_inner_texts()
    assert [row.split() for row in rows] == [
        ["0:20", "200", "1.000", "0.500"],
        ["0:10", "100", "2.000", "1.000"],
    ]


def test_a_game_runs_by_itself_and_by_keys(watching: Watching) -> None:
    page, _ = watching
    text(page, "#say", "Move 1 of 5: 1, at random")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("End")
    text(page, "#say", "Move 5: 3. The first player wins.")
    assert page.locator("#board .winning").count() == 1
    assert page.inner_text("#replay") == "Run"  # whoever steps through it is left in peace
    page.keyboard.press("ArrowLeft")
    text(page, "#say", "Move 4 of 5: 4")
    text(page, "#table .best", "3, played")


def test_the_agent_as_it_was_is_chosen_by_keys_and_played(watching: Watching) -> None:
    page, folder = watching
    save(folder, 2)
    text(page, "#when", "checkpoint 2, after 0:20, 200 positions")
    page.keyboard.press(",")
    text(page, "#when", "checkpoint 1, after 0:10, 100 positions")
    text(page, "#thought", f"{folder}@1")
    assert page.inner_text("#command") == f"selfplay play {folder}@1"
    assert not page.is_checked("#newest")
    with page.context.expect_page() as opened:
        page.click("#against")
    other = opened.value
    other.set_default_timeout(30_000)
    text(other, "[data-seat='1']", f"{folder}@1")
    other.click('.cell[data-action="4"]')
    other.wait_for_function("() => document.querySelectorAll('#moves button').length === 2")
    other.close()


def test_a_newer_file_of_games_is_shown_next(watching: Watching) -> None:
    page, _ = watching
    page.keyboard.press("n")
    text(page, "#which", "1 of 1 in 000002.txt")


def test_the_end_is_told(watching: Watching) -> None:
    page, folder = watching
    (folder / "provenance.json").write_text('{"finished": true}')
    text(page, "#sentence", "The training has ended.")
    text(page, "#live", "The run is finished.")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_screen(watching: Watching, width: int, theme: str) -> None:
    page, _ = watching
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=theme)
    assert page.evaluate("document.documentElement.scrollWidth") == width
