"""The ``Next:`` lines: what each verb proposes can be typed as it stands, and runs where quick."""

from __future__ import annotations

import importlib
import io
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_readme import ROOT, blocks

from selfplay.config import load_config, recipe_of
from selfplay.verbs import cli

SMALL = """\
game = "tictactoe"
budget = { positions = 64 }
net = { kind = "mlp", width = 8, layers = 1 }
search = { simulations = 2 }
actor = { games = 8, threads = 1 }
regime = { positions = 64 }
strength = { simulations = 2, own_positions = 8 }
"""
SWEEP = 'base = "small.toml"\n[[arm]]\nname = "a"\n'
# what is typed, and what is proposed; NAME stands for whatever is proposed there
TYPED = {
    "games": ["check connect4"],
    "check tictactoe": None,
    "bench nim --net mlp --width 8 --games 16 --simulations 2 --seconds 0.1": None,
    "train small.toml": ["play runs/small"],
    "play runs/small": ["match runs/small random"],
    "play mcts:2 --game tictactoe": ["match mcts:2 random --game tictactoe"],
    "play random --game othello": ["match random minimax:2 --game othello"],
    "play mcts:2 --game gymnasium:FrozenLake-v1?is_slippery=false": [
        "check 'gymnasium:FrozenLake-v1?is_slippery=false'"
    ],
    "play random --game kayles:Kayles?pins=5": [
        "match random minimax:2 --game 'kayles:Kayles?pins=5'"
    ],
    "match random minimax:2 --game tictactoe --games 20": ["play minimax:2 --game tictactoe"],
    "match random minimax:2 --games 4": ["play minimax:2"],
    "match runs/small runs/small:0 --games 2": ["play runs/small"],
    "evaluate connect4 --limit 1 --simulations 0": ["play connect4"],
    "data minimax:1 tictactoe --games 4 --out 'runs/my data'": [
        "train configs/tictactoe.toml --set regime.kind=imitation --set "
        "'regime.data=runs/my data' --out runs/tictactoe-imitation"
    ],
    "data show 'runs/my data'": [
        "train configs/tictactoe.toml --set regime.kind=imitation --set "
        "'regime.data=runs/my data' --out runs/tictactoe-imitation"
    ],
    "data random kayles:Kayles --games 9 --out runs/k": None,
    "data minimax:1 kayles:Kayles --games 9 --out runs/k": [
        "train configs/tictactoe.toml --set game=kayles:Kayles --set "
        "'strength.versus=[\"random\"]' --set regime.kind=imitation --set "
        "regime.data=runs/k --out runs/kayles-9-imitation"
    ],
    "sweep grid.toml --dry-run": ["sweep grid.toml"],
    "sweep own.toml --dry-run --trust": ["sweep own.toml --trust"],
    "sweep grid.toml --jobs 1": ["compare runs/sweeps/grid"],
    "compare runs/sweeps/grid": [],
}
QUICK = {"games", "check", "play", "match"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of a user: recipes as they ship, a game, a small recipe."""
    place = tmp_path_factory.mktemp("user")
    (place / "configs").symlink_to(ROOT / "configs")
    (source,) = (block for block in blocks("python") if "class Kayles" in block)
    (place / "kayles.py").write_text(source, encoding="utf-8")
    (place / "small.toml").write_text(SMALL)
    (place / "grid.toml").write_text(SWEEP)
    (place / "own.toml").write_text(SWEEP + 'set = { game = "kayles:Kayles" }\n')
    yield place
    sys.modules.pop("kayles", None)
    importlib.invalidate_caches()


def answer(words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """The exit code and standard output of a command that has no input."""
    capsys.readouterr()
    code = cli.main(words)
    return code, capsys.readouterr().out


def proposed(text: str) -> list[str]:
    """The commands of the ``Next:`` lines."""
    return [
        re.sub(r"   \(.*\)$", "", line.removeprefix("Next: "))
        for line in text.splitlines()
        if line.startswith("Next: ")
    ]


def check(command: str) -> None:
    """That a command can be typed: its verb parses it, and the files it names are there."""
    program, *words = shlex.split(command)
    if program == "tensorboard":
        assert words[0] == "--logdir"
        assert Path(words[1]).is_dir()
        return
    assert program == "selfplay"
    parser, _ = cli._parser()
    parsed = parser.parse_args(words)
    if parsed.verb == "train" and parsed.target.endswith(".toml"):
        load_config(parsed.target, parsed.overrides)


@pytest.mark.parametrize("typed", list(TYPED))
def test_what_is_proposed_can_be_typed(
    typed: str,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(place)
    monkeypatch.syspath_prepend(str(place))
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    code, text = answer(shlex.split(typed), capsys)
    if typed.startswith("data random"):
        assert code == 1  # no expert
        return
    assert code in (0, 1), text
    commands = proposed(text)
    assert commands
    for command in commands:
        check(command)
    expected = TYPED[typed]
    if expected is not None:
        own = [c.removeprefix("selfplay ") for c in commands if c.startswith("selfplay ")]
        assert own == [re.sub(r"'(regime\.data)=", r"\1='", each) for each in expected]
    for command in commands:
        words = shlex.split(command)[1:]
        if words[0] in QUICK and "selfplay" in command:
            few = ["--games", "2"] if words[0] == "match" else []
            assert answer([*words, *few], capsys)[0] == 0, command


def test_every_verb_is_tried() -> None:
    _, verbs = cli._parser()
    elsewhere = {"config", "prove", "explore"}  # tests/docs, tests/proving
    assert {typed.split()[0] for typed in TYPED} == set(verbs) - elsewhere


@pytest.mark.parametrize("name", ["othello", "tictactoe", "kayles:Kayles", "connect4?width=5"])
def test_a_game_in_the_place_of_a_run_is_answered_by_what_can_be_played(
    name: str, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(place)
    assert cli.main(["play", name]) == 1
    said = capsys.readouterr().err
    assert f"there is no run {name!r}; it is the name of a game: " in said
    for command in re.findall(r"'(selfplay .*?)'(?:,|\n|$)", said.replace("''", "")):
        check(command)
    assert f"selfplay play mcts:1000 --game {shlex.quote(name)}" in said
    if name in ("othello", "tictactoe"):
        assert f"'selfplay train configs/{name}.toml'" in said


def test_recipes_of_games() -> None:
    assert recipe_of("nim") is None
    for game in ("connect4", "othello", "tictactoe"):
        recipe = recipe_of(game)
        assert recipe is not None
        assert recipe.name == f"{game}.toml"
        assert load_config(recipe).rules().name == game


def test_a_run_of_the_users_that_hides_one_that_ships_is_named(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from selfplay.training.agent import _say_once
    from selfplay.training.folder import SHIPPED, RunFolder, find_run, shadowed

    monkeypatch.chdir(place)
    (place / "runs" / "connect4").mkdir(parents=True)
    shipped = SHIPPED / "reference" / "connect4"
    assert shadowed("connect4", find_run("connect4")) is None
    (place / "runs" / "connect4" / "config.json").symlink_to(shipped / "config.json")
    (place / "runs" / "connect4" / "checkpoints").symlink_to(shipped / "checkpoints")
    found = find_run("connect4")
    assert found == RunFolder(Path("runs/connect4"))
    assert shadowed("connect4", found) == shipped
    assert shadowed("reference/connect4", find_run("reference/connect4")) is None
    _say_once.cache_clear()
    assert cli.main(["match", "connect4:0", "random", "--games", "2"]) == 0
    said = f"'connect4' is your run runs/connect4; the one that ships is {shipped}"
    assert capsys.readouterr().err.count(said) == 1
