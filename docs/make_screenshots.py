"""Screenshots of the pages for the README, of at most 150 kB each.

    python docs/make_screenshots.py ADDRESS ...

An ADDRESS is what `selfplay play connect4 --web --no-browser` or `selfplay prove
envs/proving/problems/puzzles/agatha.p --web --no-browser` printed.  Needs Chromium and the Python
package playwright; also prints how long the first paint and the first move of a search took.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, sync_playwright

HERE = Path(__file__).parent
LIMIT = 150_000  # bytes
TAKEN_BACK = 2  # inferences of the proof
GAME = "4 4 4 4 3 5 4 4 3 3 5 5"
PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
JUDGED = "() => document.querySelector('#judging').textContent === ''"
FIRST_MOVE = """action => new Promise(done => {
  const begun = performance.now(), body = document.querySelector("#table tbody");
  document.querySelector(`.cell[data-action="${action}"][data-legal]`)
    .dispatchEvent(new MouseEvent("click", { bubbles: true }));
  const watch = new MutationObserver(() => {
    if (body.rows.length && document.querySelectorAll("#moves button").length) {
      watch.disconnect();
      done(performance.now() - begun);
    }
  });
  watch.observe(body, { childList: true });
})"""


def main() -> None:
    """Takes the pictures of the pages at the addresses."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        pictures = {"play": _play, "proof": _proof}
        for address in sys.argv[1:]:
            size: ViewportSize = {"width": 1240, "height": 760}
            page = browser.new_page(viewport=size, device_scale_factor=0.58)
            page.goto(address)
            pictures[page.get_attribute("body", "data-page") or ""](page)
        browser.close()


def _play(page: Page) -> None:
    """A search that thinks, and a game that is reviewed."""
    page.wait_for_selector("#table tbody tr", timeout=120_000)
    print(f"first paint after {page.evaluate(PAINT):.0f} ms")
    page.wait_for_timeout(3000)
    print(f"first thought after a click: {page.evaluate(FIRST_MOVE, 3):.0f} ms")
    page.wait_for_function(JUDGED, timeout=120_000)
    page.wait_for_timeout(6000)
    _keep(page, "play_thinking.png")
    page.keyboard.press("v")
    page.fill("#review-dialog textarea", GAME)
    page.click("[data-read]")
    count = len(GAME.split())
    page.wait_for_function(
        "count => document.querySelectorAll('#graph .dot').length === count",
        arg=count,
        timeout=120_000,
    )
    page.wait_for_timeout(3000)
    _keep(page, "play_review.png")


def _proof(page: Page) -> None:
    """An attempt with the inferences that are possible: a proof, some of it taken back."""
    page.wait_for_selector("#proof:not([hidden])", timeout=120_000)
    print(f"first paint after {page.evaluate(PAINT):.0f} ms")
    for _ in range(TAKEN_BACK):
        page.keyboard.press("u")
        page.wait_for_timeout(2000)
    page.keyboard.press("s")
    page.wait_for_timeout(5000)
    _keep(page, "proof-page.png")


def _keep(page: Page, name: str) -> None:
    page.screenshot(path=HERE / name)
    size = (HERE / name).stat().st_size
    print(f"{name}: {size:,} bytes")
    if size > LIMIT:
        raise SystemExit(f"{name} is larger than {LIMIT:,} bytes")


if __name__ == "__main__":
    main()
