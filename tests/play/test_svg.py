"""What the picture of a position says: cells, moves, rings, numbers."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

import envs
from envs.tictactoe import TicTacToe
from envs.toys import Nim
from selfplay.play.looks import COLOURS, variables
from selfplay.play.svg import Layer, board_svg, plain

SVG = "{http://www.w3.org/2000/svg}"


def at(spec, moves=""):
    """The game, its state after ``moves``, and the last of them."""
    game = envs.make(spec) if isinstance(spec, str) else spec
    state, action = game.init(np.random.default_rng(0), 1), -1
    for name in moves.split():
        action = game.parse_action(name)
        state, _ = game.step(state, np.array([action], np.int32))
    return game, state, action


def drawn(spec, moves="", **options):
    game, state, last = at(spec, moves)
    return ElementTree.fromstring(board_svg(game, state, last, **options))


def of_class(svg, name):
    return [each for each in svg.iter() if name in each.get("class", "").split()]


def words(svg):
    return [each.text for each in svg.iter(f"{SVG}text")]


def numbers(count, **known):
    """[A] f32, NaN but for the given ones: a1=0.5 is of action 1."""
    array = np.full(count, np.nan, np.float32)
    for name, number in known.items():
        array[int(name[1:])] = number
    return array


def test_every_cell_means_its_action():
    cells = of_class(drawn("connect4", "4 4 3"), "cell")
    assert [cell.get("data-cell") for cell in cells] == [*map(str, range(42))]
    assert [cell.get("data-action") for cell in cells] == [*"0123456"] * 6
    assert cells[38].get("aria-label") == "4, first player's"
    assert cells[31].get("aria-label") == "4, second player's"
    assert not [cell for cell in cells if cell.get("role")]


def test_legal_moves_are_marked_where_they_come_to_stand():
    svg = drawn("othello", legal=True)
    marked = [
        cell.get("data-cell") for cell in of_class(svg, "cell") if cell.get("data-legal") == ""
    ]
    assert marked == ["19", "26", "37", "44"]
    dots = {(float(dot.get("cx")), float(dot.get("cy"))) for dot in of_class(svg, "legal")}
    assert dots == {(350, 250), (250, 350), (550, 450), (450, 550)}
    assert not of_class(drawn("othello"), "legal")


def test_the_ring_is_around_the_last_move():
    (ring,) = of_class(drawn("connect4", "4 4 3 4"), "last-move")
    assert {(float(c.get("cx")), float(c.get("cy"))) for c in ring} == {(350, 350)}
    assert not of_class(drawn("connect4"), "last-move")


def test_a_stroke_goes_through_the_line_that_won():
    (line,) = of_class(drawn("tictactoe", "1 4 5 7 9"), "winning")
    assert {path.get("d") for path in line} == {"M50 50L250 250"}
    two = drawn("tictactoe", "1 4 2 7 6 8 9 5 3")  # two lines at once: a ring on each cell
    assert len(of_class(two, "winning")) == 5


def test_columns_and_rows_are_called_as_moves_are():
    def labels(spec):
        return "".join(each.text for each in of_class(drawn(spec), "label"))

    assert labels("connect4?width=9&height=5") == "123456789"
    assert labels("othello-6x6") == "abcdef123456"
    assert labels("tictactoe") == ""


@pytest.mark.parametrize(
    ("name", "known", "expected"),
    [
        ("prior", {"a0": 0.126, "a3": 0.87, "a6": 0.004}, ["87%", "13%"]),
        ("visits", {"a0": 7.0, "a3": 12345.0, "a6": 0.0}, ["12.3k", "7"]),
        ("value", {"a0": -1.0, "a3": 0.5}, ["75%", "0%"]),
    ],
)
def test_numbers_stand_on_their_places(name, known, expected):
    svg = drawn("connect4", "4", layer=Layer(name, numbers(7, **known), 3))
    chips = of_class(svg, "chip")
    assert [words(chip) for chip in chips] == [[word] for word in expected]
    assert [chip.get("data-number") for chip in chips] == ["3", "0"]
    assert [chip.get("class") for chip in chips] == ["chip best", "chip"]
    assert [float(chip.find(f"{SVG}text").get("x")) for chip in chips] == [350, 50]
    assert 450 < float(chips[0].find(f"{SVG}text").get("y")) < 500  # above the stone
    assert 550 < float(chips[1].find(f"{SVG}text").get("y")) < 600


def test_layers_differ_in_shape():
    layers = [Layer(name, numbers(7, a3=0.9), 3) for name in ("prior", "visits", "value")]
    visits = layers[1]._replace(numbers=numbers(7, a3=9.0))
    chips = [
        of_class(drawn("connect4", layer=each), "chip") for each in (layers[0], visits, layers[2])
    ]
    shapes = [[part.tag.removeprefix(SVG) for part in chip] for (chip,) in chips]
    assert shapes == [["rect", "text"], ["circle", "text"], ["rect", "rect", "rect", "text"]]


class Passing(TicTacToe):
    """Tic-tac-toe whose last cell is no place on the board."""

    def board(self, state, i):
        board = super().board(state, i)
        places, cells, clicks = board.places.copy(), board.cells.copy(), board.clicks.copy()
        places[8] = cells[2, 2] = clicks[2, 2] = -1
        return board._replace(places=places, cells=cells, clicks=clicks)

    def action_name(self, action):
        return "<pass>" if action == 8 else super().action_name(action)


def test_moves_beside_the_board_have_a_button():
    svg = drawn(Passing(), legal=True, layer=Layer("prior", numbers(9, a0=0.6, a8=0.4), 0))
    cells = of_class(svg, "cell")
    assert len(cells) == 9  # eight cells and the button
    assert (cells[-1].get("data-action"), cells[-1].get("aria-label")) == ("8", "<pass>")
    assert "<pass> 40%" in words(svg)


class Hostile(Nim):
    """Writes what a page or a terminal would obey."""

    def text(self, state, i):
        return "<script>alert(1)</script>\n\x1b[31m&\x00"


def test_games_that_say_nothing_are_drawn_as_text():
    svg = drawn("nim", "2", layer=Layer("visits", numbers(3, a0=5, a2=90), 2), caption="as told")
    expected = [
        "nim-10-3: 8 stones left",
        "",
        "played: 2",
        "",
        "visits",
        "> 3     90",
        "  1      5",
    ]
    assert [word or "" for word in words(svg)] == [*expected, "", "as told"]
    hostile = drawn(Hostile())
    assert words(hostile) == ["<script>alert(1)</script>", "?[31m&?"]


def test_a_picture_stands_alone_in_either_theme():
    game, state, last = at("connect4", "4 3")
    pictures = [board_svg(game, state, last, theme=theme) for theme in ("light", "dark")]
    for column, picture in enumerate(pictures):
        assert f"var(--board-hole, {COLOURS['hole'][column]})" in picture
        alone = plain(picture)
        assert "var(" not in alone
        assert f'fill="{COLOURS["hole"][column]}"' in alone
        assert not re.search(r"<style|<script|href|style=", alone)
    marks = [re.findall(r'id="first-(\w+)"', picture) for picture in pictures]
    assert marks[0] != marks[1]  # two pictures in one page do not share shadings
    assert f"--board-hole: {COLOURS['hole'][1]};" in variables("dark")
