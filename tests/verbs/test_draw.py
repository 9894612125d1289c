"""`selfplay draw`: positions as files, and what an agent thinks of the moves."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from selfplay.verbs import cli

SVG = "{http://www.w3.org/2000/svg}"


def drawn(place: Path, *words: str) -> ElementTree.Element:
    file = place / "board.svg"
    assert cli.main(["draw", *words, "--out", str(file)]) == 0
    return ElementTree.parse(file).getroot()


def of_class(svg: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [each for each in svg.iter() if name in each.get("class", "").split()]


def words(svg: ElementTree.Element) -> list[str | None]:
    return [each.text for each in svg.iter(f"{SVG}text")]


def test_moves_run_together_or_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    together = drawn(tmp_path, "tictactoe", "519")
    apart = drawn(tmp_path, "tictactoe", "5", "1", "9")
    assert ElementTree.tostring(together) == ElementTree.tostring(apart)
    pieces = [cell.get("aria-label") for cell in of_class(together, "cell")]
    assert pieces[::4] == ["1, second player's", "5, first player's", "9, first player's"]
    (ring,) = of_class(together, "last-move")
    assert [circle.get("cx") for circle in ring] == ["250", "250"]
    assert len(of_class(together, "legal")) == 6
    out = capsys.readouterr().out
    assert f"Next: selfplay draw tictactoe 5 1 9 --think --out {tmp_path}/board.svg" in out


def test_without_a_file_it_goes_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["draw", "othello-6x6", "--theme", "dark"]) == 0
    out = capsys.readouterr().out
    assert ElementTree.fromstring(out).get("viewBox") == "-46 -46 692 692"
    assert "var(" not in out
    assert "#2a7a4f" in out  # the felt of the dark theme
    assert cli.main(["draw", "othello-6x6", "--theme", "dark", "--out", "-"]) == 0
    assert capsys.readouterr().out == out


def test_what_an_agent_thinks(tmp_path: Path) -> None:
    """X wins at 3; the solver knows what every move is worth, and visits nothing."""
    svg = drawn(tmp_path, "tictactoe", "1529", "--agent", "solver", "--layer", "value")
    (best,) = of_class(svg, "best")
    assert (best.get("data-number"), words(best)) == ("2", ["100%"])
    assert "chance to win, the choice dark: solver" in words(svg)
    rollouts = ["--think", "--agent", "mcts:60"]
    at_once = drawn(tmp_path, "tictactoe", "1529", *rollouts)
    (best,) = of_class(at_once, "best")
    assert (best.get("data-number"), words(best)) == ("2", ["100%"])  # there is nothing to visit
    searched = drawn(tmp_path, "tictactoe", "15", *rollouts)
    visits = [int(words(chip)[0] or 0) for chip in of_class(searched, "chip")]
    assert sum(visits) == 60
    assert f"visits in a search of {sum(visits)}, the choice dark: mcts:60" in words(searched)
    ships = drawn(tmp_path, "tictactoe", "15", "--think", "--simulations", "8")
    assert any(
        "the choice dark: " in each and "reference/tictactoe:8" in each for each in words(ships)
    )


def test_how_long_it_looks_may_be_a_time(tmp_path: Path) -> None:
    svg = drawn(tmp_path, "connect4", "44", "--agent", "mcts:5", "--seconds", "0.1")
    visits = [int(words(chip)[0] or 0) for chip in of_class(svg, "chip")]
    assert sum(visits) > 5
    assert f"visits in a search of {sum(visits):,}, the choice dark: rollouts for 0.1 s" in (
        words(svg)
    )


def test_the_prior_is_of_the_net_alone(tmp_path: Path) -> None:
    """However long the player that is named would search."""
    words_by_time = "--agent", "reference/tictactoe:1s", "--layer", "prior"
    alone = "--agent", "reference/tictactoe", "--simulations", "0"
    by_time, net = (words(drawn(tmp_path, "tictactoe", "15", *w)) for w in (words_by_time, alone))
    assert by_time == net
    (caption,) = (each for each in net if "prior of the net" in each)
    assert caption.endswith("reference/tictactoe")


def test_no_folder_is_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "none" / "board.svg"
    assert cli.main(["draw", "tictactoe", "--out", str(file)]) == 1
    assert f"there is no folder {tmp_path / 'none'}; make it first" in capsys.readouterr().err
    assert not file.parent.exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["5", "--simulations", "9", "--seconds", "1"], "both say how long it searches; give one"),
        (["5", "--agent", "solver", "--seconds", "1"], "solver does not search by time: leave out"),
        (
            ["15", "--agent", "solver", "--layer", "visits"],
            "solver visits nothing: choose --layer value or prior",
        ),
        (["15", "--layer", "value", "--agent", "random"], "random does not know what moves are"),
        (["15", "--layer", "prior", "--agent", "mcts:4"], "has no net: choose --layer visits or"),
        (["14253", "--think"], "the game is over there: leave out --think, or the last move"),
        (["11"], "move 2: 1 cannot be played here"),
        (["1x"], "'x' is not a cell"),
    ],
)
def test_what_cannot_be_drawn(
    arguments: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "board.svg"
    assert cli.main(["draw", "tictactoe", *arguments, "--out", str(file)]) == 1
    assert sentence in capsys.readouterr().err
    assert not file.exists()
