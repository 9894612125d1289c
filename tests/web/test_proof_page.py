"""The page of proofs in a browser: a proof by clicks, one by keys, what the prover shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from page_server import served

from envs.proving.game import SMALL
from envs.proving.logic.tptp import read_problem
from selfplay.players.limits import Limit
from selfplay.proving.prover import Prover
from selfplay.proving.searches import unguided
from selfplay.proving.trials import Bounds
from selfplay.web.desk import Desk
from selfplay.web.proof import routes

Open = Callable[..., Any]
CHAIN = "\n".join(
    ["fof(start, axiom, p0)."]
    + [f"fof(s{i}, axiom, (p{i} & q{i}) => p{i + 1})." for i in range(40)]
    + [f"fof(q{i}, axiom, (p0 | r{i}) => q{i})." for i in range(40)]
    + ["fof(goal, conjecture, p40)."]
)


@pytest.fixture(scope="module")
def proof_address() -> Iterator[str]:
    desk = Desk(unguided(), Prover(), read_problem(SMALL), Bounds(20.0), Limit(50), False)
    with served(routes(desk), "proof") as address:
        yield address


@pytest.fixture
def open_proof(browser: Any, proof_address: str) -> Iterator[Open]:
    """Opens the page in a context of its own; nothing may complain while it is open."""
    contexts, complaints = [], []

    def opened(width: int = 1280, **options: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": 860}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else 0)
        page.goto(proof_address)
        page.wait_for_selector("#table .inference")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def says(page: Any, words: str) -> None:
    page.wait_for_function(
        "words => document.querySelector('#say').textContent.includes(words)", arg=words
    )


def test_a_proof_by_clicks_is_checked_and_copied(open_proof: Open) -> None:
    page = open_proof(permissions=["clipboard-read", "clipboard-write"])
    says(page, "Choose the clause to begin with.")
    page.click("#table .inference")
    says(page, "2 are possible")
    assert page.inner_text("#goal") == "q(sk2)"
    assert page.locator(".node.goal .words").text_content() == "q(sk2)"
    page.click('#table .inference:has-text("premise_4")')
    page.wait_for_function("() => document.querySelector('#goal').textContent === 'q(sk1)'")
    page.click('#table .inference:has-text("premise_4")')
    page.wait_for_selector("#proof:not([hidden])")
    says(page, "Every branch is closed.")
    assert page.inner_text("#verdict") == "Theorem, accepted by the independent checker."
    assert page.locator(".node.closed").count() == page.locator(".node").count()
    assert "premise_2" in page.inner_text("#clauses")
    page.click("[data-text=tstp]")
    page.click("#copy")
    page.wait_for_selector("#note:not([hidden])")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("% SZS output start CNFRefutation for pelletier_24")


def test_a_proof_by_keys_alone_with_one_inference_taken_back(open_proof: Open) -> None:
    page = open_proof()
    page.keyboard.press("1")
    says(page, "2 are possible")
    page.keyboard.press("2")
    page.wait_for_function("() => document.querySelector('#goal').textContent === 'q(sk1)'")
    page.keyboard.press("u")
    page.wait_for_function("() => document.querySelector('#goal').textContent === 'q(sk2)'")
    page.wait_for_function("() => document.querySelector('#table .best td:last-child')"
                           "?.textContent === 'proof'")  # fmt: skip
    page.keyboard.press("g")
    page.wait_for_selector("#proof:not([hidden])")
    says(page, "Every branch is closed.")
    page.keyboard.press("t")
    for _ in range(2):
        page.keyboard.press("ArrowUp")
    assert page.inner_text("#detail") == "start: clause goal"
    page.keyboard.press("ArrowDown")
    assert page.inner_text("#detail") == "1: ~ p(sk1), closed by clause premise_3"
    before = page.locator(".node").count()
    page.keyboard.press("Enter")
    assert page.locator(".node").count() == before - 3
    assert page.evaluate("document.activeElement.getAttribute('aria-expanded')") == "false"


def test_a_large_proof_of_the_prover_can_be_collapsed_and_zoomed(open_proof: Open) -> None:
    page = open_proof()
    page.keyboard.press("o")
    page.fill("#problem-dialog textarea", CHAIN)
    page.click("#try")
    page.wait_for_function("() => document.querySelector('#name').textContent.includes('pasted')")
    page.keyboard.press("p")
    page.wait_for_selector("#proof:not([hidden])")
    assert "Theorem" in page.inner_text("#verdict")
    nodes = page.locator(".node").count()
    assert nodes > 80
    wide = float(page.get_attribute("#canvas svg", "width"))
    page.keyboard.press("+")
    assert float(page.get_attribute("#canvas svg", "width")) > 1.2 * wide
    page.keyboard.press("c")
    assert page.locator(".node").count() < 5
    page.keyboard.press("c")
    assert page.locator(".node").count() == nodes


def test_a_broken_problem_is_told_where_it_was_pasted(open_proof: Open) -> None:
    page = open_proof(390)
    page.click("#change")
    page.fill("#problem-dialog textarea", "fof(a, axiom, p(X")
    page.click("#try")
    page.wait_for_selector("#problem-dialog .problem:not([hidden])")
    assert "pasted, line 1" in page.inner_text("#problem-dialog .problem")
    page.keyboard.press("Escape")
    assert "pelletier_24" in page.inner_text("#name")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_every_control_has_a_name(open_proof: Open) -> None:
    page = open_proof(390)
    nameless = page.evaluate(
        "[...document.querySelectorAll('button, textarea, summary, [tabindex=\"0\"]')]"
        ".filter(each =>"
        " !(each.getAttribute('aria-label') || each.textContent.trim() || each.closest('label')))"
        ".map(each => each.outerHTML)"
    )
    assert nameless == []
