"""The ``Next:`` lines: what each verb proposes can be typed as it stands, and runs where quick."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from examples import example, needs
from program import run
from test_readme import ROOT, write_kayles

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
IMITATION = "--set regime.kind=imitation --set"
LEARN = f"train configs/tictactoe.toml {IMITATION} 'regime.data=runs/my data' --out "
# what is typed one after the other in a folder, and what is proposed; None: whatever it is
CHAINS: list[dict[str, list[str] | None]] = [
    {"games": ["check connect4"], "check tictactoe": None},
    {"bench nim --net mlp --width 8 --games 16 --simulations 2 --seconds 0.1": None},
    {
        "train small.toml": ["play runs/small"],
        "play runs/small": ["match runs/small random"],
        "match runs/small runs/small:0 --games 2": ["play runs/small"],
        "levels runs/small --games 2": ["play runs/small --level 3"],
    },
    {
        "draw tictactoe 5 --out 'my x.svg'": ["draw tictactoe 5 --think --out 'my x.svg'"],
        "draw tictactoe 5 --agent minimax:2 --out x.svg": ["play minimax:2 --game tictactoe"],
    },
    {"play random --game othello": ["match random minimax:2 --game othello"]},
    {
        "play mcts:2 --game tictactoe": ["match mcts:2 random --game tictactoe"],
        "play mcts:2 --game gymnasium:FrozenLake-v1?is_slippery=false": [
            "check 'gymnasium:FrozenLake-v1?is_slippery=false'"
        ],
        "play random --game kayles:Kayles?pins=5": [
            "match random minimax:2 --game 'kayles:Kayles?pins=5'"
        ],
    },
    {
        "match random minimax:2 --game tictactoe --games 20": ["play minimax:2 --game tictactoe"],
        "match random minimax:2 --games 4": ["play minimax:2"],
    },
    {"review tictactoe 521946 --agent solver": ["play solver --game tictactoe"]},
    {"evaluate connect4 --limit 1 --simulations 0": ["play connect4"]},
    {
        "data minimax:1 tictactoe --games 4 --out 'runs/my data'": [
            f"{LEARN}runs/tictactoe-imitation"
        ],
        "data show 'runs/my data'": [f"{LEARN}runs/tictactoe-imitation"],
        "data minimax:1 kayles:Kayles --games 9 --out runs/k": [
            "train configs/tictactoe.toml --set game=kayles:Kayles --set "
            f"'strength.versus=[\"random\"]' {IMITATION} regime.data=runs/k "
            "--out runs/kayles-9-imitation"
        ],
    },
    {
        "sweep grid.toml --dry-run": ["sweep grid.toml"],
        "sweep own.toml --dry-run --trust": ["sweep own.toml --trust"],
        "sweep grid.toml --jobs 1": ["compare runs/sweeps/grid"],
        "compare runs/sweeps/grid": [],
    },
]
QUICK = {"games", "check", "play", "match"}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a user: recipes as they ship, a game, a small recipe."""
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    write_kayles(tmp_path)
    (tmp_path / "small.toml").write_text(SMALL)
    (tmp_path / "grid.toml").write_text(SWEEP)
    (tmp_path / "own.toml").write_text(SWEEP + 'set = { game = "kayles:Kayles" }\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("selfplay.sweep.preview._SECONDS", 0.05)
    return tmp_path


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


@pytest.mark.parametrize("chain", CHAINS, ids=lambda chain: next(iter(chain)))
def test_what_is_proposed_can_be_typed(chain: dict[str, list[str] | None], place: Path) -> None:
    for typed, expected in chain.items():
        for command in (typed, *(expected or ())):
            needs(command)
        done = run(place, *shlex.split(typed))
        assert done.returncode == 0, f"{typed}\n{done.stdout}{done.stderr}"
        commands = proposed(done.stdout)
        assert commands
        for command in commands:
            check(command)
        own = [shlex.split(each)[1:] for each in commands if each.startswith("selfplay ")]
        if expected is not None:
            assert own == [shlex.split(each) for each in expected]
        for words in own:
            if words[0] in QUICK:
                few = ["--games", "2"] if words[0] == "match" else []
                assert run(place, *words, *few).returncode == 0, words


def test_a_data_set_that_nobody_can_make_is_no_proposal(place: Path) -> None:
    done = run(place, *shlex.split("data random kayles:Kayles --games 9 --out runs/k"))
    assert (done.returncode, proposed(done.stdout)) == (1, [])  # no expert


def test_every_verb_is_tried() -> None:
    _, verbs = cli._parser()
    # tests/docs, tests/proving, tests/verbs/test_runs.py, tests/mirror, tests/web;
    # engines propose nothing
    elsewhere = {"config", "prove", "explore", "runs", "show", "mirror", "gtp", "nboard", "watch"}
    tried = {typed.split()[0] for chain in CHAINS for typed in chain}
    assert tried | elsewhere >= set(verbs)


@pytest.mark.parametrize("name", ["nim", "kayles:Kayles", "connect4?width=5"])
def test_a_game_in_the_place_of_a_run_is_answered_by_what_can_be_played(
    name: str, place: Path
) -> None:
    (place / "own_nim.toml").write_text('game = "nim"\n')
    done = run(place, "play", name)
    assert done.returncode == 1
    said = done.stderr
    assert f"there is no run {name!r}; it is the name of a game: " in said
    for command in re.findall(r"'(selfplay .*?)'(?:,|\n|$)", said.replace("''", "")):
        check(command)
    assert f"selfplay play mcts:1000 --game {shlex.quote(name)}" in said
    recipe = {"nim": "own_nim.toml", "connect4?width=5": "configs/connect4.toml"}.get(name)
    assert recipe is None or f"'selfplay train {recipe}" in said


@pytest.mark.parametrize("game", ["connect4", "othello", "othello-6x6", "tictactoe"])
def test_recipes_of_games(game: str) -> None:
    assert recipe_of("nim") is None
    rules = example(game)
    recipe = recipe_of(game)
    assert recipe is not None
    assert recipe.name == f"{game.replace('-6x6', '6')}.toml"
    assert load_config(recipe).rules().name == rules.name


def test_a_run_of_the_users_that_hides_one_that_ships_is_named(
    place: Path,
) -> None:
    from selfplay.training.agent import _say_once
    from selfplay.training.folder import RunFolder, find_run, shadowed
    from selfplay.training.places import SHIPPED

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
    done = run(place, "match", "connect4:0", "random", "--games", "2")
    said = f"'connect4' is your run runs/connect4; the one that ships is {shipped}"
    assert (done.returncode, done.stderr.count(said)) == (0, 1)
