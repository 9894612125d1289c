"""What a regime is handed to work with."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_runs import TINY

from selfplay.actors import Setup, Threads
from selfplay.config import parse_config
from selfplay.training.folder import RunFolder
from selfplay.training.run import Training


@pytest.mark.parametrize(
    ("regime", "option", "games"),
    [
        ({"kind": "selfplay"}, "actor.games", 64),
        ({"kind": "dagger", "games": 5}, "regime.games", 5),
        ({"kind": "policy_gradient", "games": 6}, "regime.games", 6),
    ],
)
def test_actors_know_which_option_says_how_many_games_they_play(
    regime: dict[str, object],
    option: str,
    games: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    setups: list[Setup] = []
    monkeypatch.setattr(Threads, "make_actors", lambda self, setup, *_: setups.append(setup))
    Training(RunFolder(tmp_path), parse_config({**TINY, "regime": regime}))
    (setup,) = setups
    assert (setup.games_option, setup.section.games) == (option, games)
