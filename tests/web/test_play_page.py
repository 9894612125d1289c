"""The page of play in a browser: by clicks, by keys, what it shows, what a link restores."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from envs.othello import Othello

Open = Callable[..., Any]


def said(page: Any, words: str) -> None:
    """Waits until the line beneath the board says ``words``."""
    page.wait_for_function(
        "words => document.querySelector('#say').textContent.includes(words)", arg=words
    )


def moves(page: Any) -> list[str]:
    names: list[str] = page.locator("#moves button").all_inner_texts()
    return names


def begin(page: Any, side: str = "both", opponent: str = "") -> None:
    """A new game from the dialog."""
    page.click("#new")
    page.select_option("#new-dialog [name=side]", side)
    if opponent:
        page.select_option("[data-player=a] select >> nth=0", opponent)
    page.click("#new-dialog button[value=begin]")
    page.wait_for_function("() => document.querySelectorAll('#moves button').length === 0")


def click(page: Any, *names: int) -> None:
    """Plays on the squares, which are numbered from 1."""
    for name in names:
        count = len(moves(page))
        page.click(f'.cell[data-action="{name - 1}"]')
        page.wait_for_function(
            "count => document.querySelectorAll('#moves button').length > count", arg=count
        )


def test_a_game_by_clicks_against_the_solver_is_no_win(open_page: Open) -> None:
    page = open_page()
    said(page, "Your move.")
    ended = ("A draw.", "You lose.")
    while not page.inner_text("#say").startswith(ended):
        count = len(moves(page))
        page.locator(".cell[data-legal]").first.click()
        page.wait_for_function(
            "count => document.querySelectorAll('#moves button').length > count"
            " && /Your move|draw|lose|win/.test(document.querySelector('#say').textContent)",
            arg=count,
        )
    assert page.inner_text("#say") == "You lose."  # who takes the first free square each time
    assert page.locator(".winning").count() == 1
    assert page.locator(".cell[data-legal]").count() == 0


def test_a_game_by_keys_alone(open_page: Open) -> None:
    page = open_page()
    page.keyboard.press("n")
    page.select_option("#new-dialog [name=side]", "both")
    page.press("#new-dialog [name=opening]", "Enter")
    said(page, "The first player moves.")
    page.keyboard.press("b")
    for keys in ("Enter", "ArrowDown Enter", "ArrowUp ArrowRight Enter", "ArrowDown Enter",
                 "ArrowUp ArrowRight Enter"):  # fmt: skip
        count = len(moves(page))
        for key in keys.split():
            page.keyboard.press(key)
        page.wait_for_function(
            "count => document.querySelectorAll('#moves button').length > count", arg=count
        )
    assert [name.rstrip("?!") for name in moves(page)] == ["1", "4", "2", "5", "3"]
    said(page, "The first player wins.")
    assert page.evaluate("document.activeElement.getAttribute('data-cell')") == "2"
    assert page.inner_text("#live").startswith("first: 3. The first player wins.")
    page.keyboard.press("Escape")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("ArrowLeft")
    said(page, "The first player moves.")
    page.keyboard.press("?")
    assert page.locator("#help-dialog[open]").count() == 1


def test_layers_are_shown_one_at_a_time(open_page: Open) -> None:
    page = open_page()
    page.wait_for_selector("#table tbody tr")
    assert page.locator("#table tbody tr").count() == 9
    assert page.locator(".chip").count() == 0  # the solver visits nothing
    page.keyboard.press("w")
    page.wait_for_function("() => document.querySelectorAll('.chip').length === 9")
    assert set(page.locator(".chip text").all_text_contents()) == {"50%"}
    assert page.get_attribute('[data-layer="value"]', "aria-checked") == "true"
    page.keyboard.press("w")
    page.wait_for_function("() => document.querySelectorAll('.chip').length === 0")
    assert page.get_attribute('[data-layer="none"]', "aria-checked") == "true"


def test_a_blunder_is_marked_tried_again_and_stays_as_a_branch(open_page: Open) -> None:
    page = open_page()
    begin(page)
    click(page, 1, 2)  # beside the corner: the second player loses by force
    page.wait_for_selector('#moves button.blunder[data-node="2"]')
    assert moves(page) == ["1", "2??"]
    assert "lost 1.00; better: 5" in page.inner_text("#worst")
    assert page.locator("#graph path.truth").count() == 1
    page.keyboard.press("t")
    page.wait_for_selector('#moves button[data-node="1"][aria-current]')
    click_count = page.locator("#tree circle").count()
    assert click_count == 0
    page.click('.cell[data-action="4"]')
    page.wait_for_selector("#tree circle")
    assert page.locator("#tree circle").count() == 4  # the start, 1, 2 and 5
    assert moves(page) == ["1", "5"]
    page.click('#tree [data-node="2"]')
    page.wait_for_selector('#moves button[data-node="2"][aria-current]')
    page.click("#remove")
    page.wait_for_function("() => document.querySelector('#branches').hidden")


def test_undo_takes_back_both_moves_and_a_dot_of_the_graph_goes_there(open_page: Open) -> None:
    page = open_page()
    page.click('.cell[data-action="4"]')
    page.wait_for_function("() => document.querySelectorAll('#moves button').length === 2")
    said(page, "Your move.")
    page.wait_for_selector('#graph .dot[data-node="2"]')
    page.click("#undo")
    said(page, "Your move.")
    page.wait_for_function("() => document.querySelectorAll('#moves [aria-current]').length === 0")
    page.click('#graph .dot[data-node="2"]', force=True)
    page.wait_for_selector('#moves button[data-node="2"][aria-current]')


def test_a_pasted_game_is_reviewed(open_page: Open) -> None:
    page = open_page()
    page.click("#new")
    page.select_option("#new-dialog [name=game]", "othello")
    page.wait_for_selector("[data-player=a] [value=solver]", state="detached")
    page.click("#new-dialog button[value='']")
    page.keyboard.press("v")  # what is offered is of the game that is shown again
    page.wait_for_selector("[data-player=a] [value=solver]", state="attached")
    page.fill("#review-dialog textarea", "1 2 3 x\n")
    page.click("[data-read]")
    page.wait_for_selector("#review-dialog .problem:not([hidden])")
    page.fill("#review-dialog textarea", "1 2 2\n")  # what can be read, and not be played
    page.click("[data-read]")
    page.wait_for_selector("#review-dialog .problem:has-text('cannot be played')")
    page.fill("#review-dialog textarea", "1 2 5 9 7 4 3\n")
    page.click("[data-read]")
    page.wait_for_function("() => !document.querySelector('#review-dialog').open")
    page.wait_for_function("() => document.querySelectorAll('#graph .dot').length === 7")
    assert moves(page)[:3] == ["1", "2??", "5"]
    assert page.locator("#worst li").count() == 1


def test_who_is_passed_over_is_told_and_the_last_of_many_moves_is_in_sight(open_page: Open) -> None:
    names = (
        "f5 f4 c3 c4 g3 g6 b4 c5 e6 d7 f7 c2 h7 a3 b6 g4 g5 d6 e3 h3 c1 d2 c7 f6 h4 b5 d8 g8 c6 a7 "
        "a6 f3 f2 b7 e7 b3 a4 c8 f8 e2 a5 b2 d3 h2 f1 e8 b1 h5 a1 g7 b8 e1 h8 g1 a2 g2 h1"
    )
    played = ".".join(str(Othello().parse_action(name)) for name in names.split())
    page = open_page(f"#game=othello&moves={played}&seats=%7C&layer=none&simulations=9")
    said(page, "The second player has no move: the first player again.")
    page.wait_for_function(
        """() => {
            const place = document.querySelector("#moves").getBoundingClientRect();
            const last = document.querySelector("#moves [aria-current]").getBoundingClientRect();
            return place.top <= last.top && last.bottom <= place.bottom;
        }"""
    )


def test_one_of_the_games_of_an_uploaded_file_is_reviewed(open_page: Open) -> None:
    page = open_page()
    page.keyboard.press("v")
    games = {"name": "g.txt", "mimeType": "text/plain", "buffer": b"1 2 5 9 3\n5 1 9\n"}
    page.set_input_files("#review-dialog [name=file]", files=[games])
    page.click("[data-read]")
    page.select_option("#review-dialog [name=number]", "1")
    page.click("[data-read]")
    page.wait_for_function("() => !document.querySelector('#review-dialog').open")
    page.wait_for_function("() => document.querySelectorAll('#graph .dot').length === 3")
    assert moves(page) == ["5", "1", "9"]


def test_a_link_restores_the_view(open_page: Open) -> None:
    fragment = "#game=tictactoe&moves=4.0.8&seats=%7Csolver&layer=value&simulations=50"
    page = open_page(fragment)
    page.wait_for_function("() => document.querySelectorAll('#moves button').length === 3")
    assert moves(page) == ["5", "1", "9"]
    said(page, "solver is to move: let it, or move for it.")
    page.wait_for_selector(".chip")
    page.click("#move")
    said(page, "Your move.")
    assert len(moves(page)) == 4
    link = page.evaluate("location.hash")
    assert "moves=4.0.8." in link
    assert "layer=value" in link
    assert "simulations" not in link  # which mean nothing to a solver


def test_the_colours_can_be_switched_and_nothing_is_wider_than_a_phone(open_page: Open) -> None:
    page = open_page(color_scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    page.emulate_media(color_scheme="light")  # as long as nobody chose, the system's count
    page.wait_for_function(f"dark => {ground} !== dark", arg=dark)
    page.click("[data-theme-switch]")
    assert page.evaluate(ground) == dark
    page.reload()
    page.wait_for_selector("#board svg")
    assert page.evaluate(ground) == dark
    assert page.get_attribute("[data-theme-switch]", "aria-label") == "Light colours"
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_a_link_restores_branches_too(open_page: Open) -> None:
    page = open_page(
        "#game=tictactoe&moves=4&seats=%7C&layer=none&simulations=50&branches=4.0.8_4.2"
    )
    page.wait_for_selector("#tree circle")
    assert page.locator("#tree circle").count() == 5
    assert page.get_attribute("#moves [aria-current]", "data-node") == "1"
    assert "branches=4.0.8_4.2" in page.evaluate("location.hash")


def test_two_players_play_from_a_random_opening_to_the_end(open_page: Open) -> None:
    page = open_page()
    page.click("#new")
    page.select_option("#new-dialog [name=side]", "none")
    assert page.input_value("#new-dialog [name=by]") == "full"  # neither searches
    page.fill("#new-dialog [name=random]", "2")
    page.click("#new-dialog button[value=begin]")
    page.wait_for_function(
        "() => /A draw|player wins/.test(document.querySelector('#say').textContent)"
    )
    assert page.locator(".seat .who").all_inner_texts() == ["solver", "solver"]
    assert 5 <= len(moves(page)) <= 9
