"""Every game returns what its playthrough says; playthrough.py writes them."""

from __future__ import annotations

from difflib import unified_diff

import pytest
from playthrough import FOLDER, GAMES, again, playthrough

from envs import make


@pytest.mark.parametrize("name", GAMES)
def test_a_game_goes_as_it_went(name: str) -> None:
    text = (FOLDER / f"{name}.txt").read_text()
    lines = playthrough(make(GAMES[name]), again(text))
    difference = list(unified_diff(text.splitlines(), list(lines), "written", "now", lineterm=""))
    assert not difference, "\n".join(difference[:40])


def test_each_file_is_of_a_game() -> None:
    assert {file.stem for file in FOLDER.glob("*.txt")} == {*GAMES}
