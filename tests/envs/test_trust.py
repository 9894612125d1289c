"""A file names only games that are listed; another game runs where the user wanted it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import envs
from envs import importing, trust
from selfplay.sweep.plan import read_plan
from selfplay.training.folder import RunFolder
from selfplay.verbs import VERBS, cli

OWN = """\
import pathlib
import beside
from envs.toys import Nim

pathlib.Path("imported").touch()


class Heap(Nim):
    def __init__(self, pins: int = 4) -> None:
        pathlib.Path("built").touch()
        super().__init__(pins, beside.TAKE)

    def later(self) -> str:
        import importlib
        import named_later
        return named_later.WORD + importlib.import_module("asked_later").WORD


def make(pins: int = 4) -> Heap:
    return Heap(pins)
"""
PLANTED = (
    "yaml", "coverage", "dill", "numpy", "torch", "numba", "rich", "pydantic", "sitecustomize",
    "usercustomize", "chess", "multiprocessing", "runpy", "pickle", "signal", "threading",
)  # fmt: skip
RECIPE = """\
game = "{game}"
net = {{ kind = "mlp", width = 8, layers = 1 }}
actor = {{ games = 4, threads = 1 }}
search = {{ simulations = 4 }}
strength = {{ versus = ["random"], games = 2, positions = "" }}
budget = {{ positions = 20 }}
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with an own game and libraries that a stranger has planted."""
    name = f"own{abs(hash(tmp_path))}"  # a module is imported once a process
    (tmp_path / f"{name}.py").write_text(OWN, encoding="utf-8")
    (tmp_path / "beside.py").write_text("TAKE = 2\n", encoding="utf-8")
    (tmp_path / "recipe.toml").write_text(RECIPE.format(game=f"{name}:Heap"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "beside", raising=False)
    trust.begin((), everything=False)
    return tmp_path


def game_of(place: Path) -> str:
    (module,) = place.glob("own*.py")
    return f"{module.stem}:Heap"


def run_folder(place: Path, game: str) -> Path:
    folder = place / "run"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"game": game}), encoding="utf-8")
    return folder


def listed(game: str, *names: str) -> list[str]:
    """The names or options behind ``game`` with which a file may name it."""
    return [name for name in names if trust.is_listed(f"{game}{name}")]


def test_games_that_anybodys_file_may_name() -> None:
    specs = ["connect4", "connect4?width=6&height=5"]
    specs += ["pettingzoo:pettingzoo.classic.tictactoe_v3"]
    specs += ["pettingzoo:pettingzoo.classic.connect_four_v3:env"]
    specs += ["gymnasium:CartPole-v1?scale=0.005&max_moves=200"]
    specs += ["gymnasium:FrozenLake-v1?is_slippery=false"]
    specs += ["no_such_game"]  # refused where it is built, with the names that there are
    assert listed("", *specs) == specs


def test_games_that_a_file_may_not_name() -> None:
    wrapped = "os:system?command=true"
    assert not listed("", "os:system?command=touch+PWNED", "subprocess:Popen?args=true", ":system")
    assert not listed("", "kayles:Kayles", "envs.connect4:Connect4", "connect4:x")
    assert not listed("envs.adapters.from_gymnasium:FromGymnasium", "?env=os:system")
    assert not listed("pettingzoo:", wrapped, "pettingzoo", "pettingzoo.utils.env:AECEnv")
    assert not listed("pettingzoo:pettingzoo.", "classic.tictactoe_v3:os", "evil_v1.os")
    assert not listed("pettingzoo:..pettingzoo.classic.tictactoe_v3", "")
    sizes = "?board_size=99999999", "?board_size=1e9"
    assert not listed("pettingzoo:pettingzoo.classic.go_v5", *sizes, "?render_mode=human")
    assert not listed("gymnasium:", wrapped, "antigravity:CartPole-v1", "NoSuch-v1")
    assert not listed("gymnasium:gymnasium.envs.toy_text.frozen_lake:FrozenLakeEnv", "")
    assert not listed("gymnasium:CartPole-v1", "?max_moves=99999999", "?max_moves=inf")
    assert not listed("gymnasium:Ant-v5", "?xml_file=/tmp/evil.xml")


def test_no_verb_runs_a_strangers_game(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    game = "os:system?command=touch+PWNED"
    run_folder(place, game)
    (place / "recipe.toml").write_text(RECIPE.format(game=game), encoding="utf-8")
    arm = '[[arm]]\nname = "a"\n'
    (place / "sweep.toml").write_text(f'base = "recipe.toml"\n{arm}', encoding="utf-8")
    made = f'[[data]]\nout = "d"\nmake = "solver --game={game}"\n{arm}'
    (place / "made.toml").write_text(made, encoding="utf-8")
    for words in (
        "play run", "evaluate run", "match run random", "train run", "data run --out d",
        "compare run", "train recipe.toml", "sweep sweep.toml --dry-run",
        "sweep made.toml --dry-run",
    ):  # fmt: skip
        if words.split()[0] not in VERBS:
            continue
        assert cli.main(words.split()) == 1, words
        assert "say --trust once" in capsys.readouterr().err, words
    assert not (place / "PWNED").exists()


def test_what_is_no_game_is_not_called_even_if_typed(place: Path) -> None:
    name = game_of(place).partition(":")[0]
    for spec, fault in (
        ("os:system?command=touch+PWNED", "has no class"),
        ("json:JSONDecoder", "lacks init, step"),
        (f"{name}:make", f"module {name!r} has no class 'make'"),
    ):
        with pytest.raises(ValueError, match=fault):
            envs.make(spec)
    assert not (place / "PWNED").exists()
    assert not (place / "built").exists()


def test_a_recipe_is_trusted_once(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """So is the run that comes of it; not the same game in another file, or another in this."""
    assert cli.main(["train", "recipe.toml", "--out", "r"]) == 1
    assert "recipe.toml plays" in capsys.readouterr().err
    assert not (place / "imported").exists()
    file = place / "recipe.toml"
    game = game_of(place)
    trust.begin((), everything=True)
    trust.require(game, file)
    trust.begin((), everything=False)
    trust.require(game, Path("recipe.toml"))
    for other, path in [(game, place / "copy.toml"), (f"{game}?pins=5", file)]:
        with pytest.raises(ValueError, match="say --trust once"):
            trust.require(other, path)


def test_what_the_user_typed_needs_no_trust(place: Path) -> None:
    game = game_of(place)
    folder = RunFolder(run_folder(place, game))
    with pytest.raises(ValueError, match="say --trust once"):
        folder.config()
    assert folder.config((f"game={game}",)).game == game
    trust.begin([game], everything=False)
    assert folder.config().game == game


def test_another_working_folder_is_not_trusted(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There another module may have the name."""
    trust.remember("own:Game", place / "recipe.toml")
    trust.require("own:Game", place / "recipe.toml")
    (place / "other").mkdir()
    monkeypatch.chdir(place / "other")
    with pytest.raises(ValueError, match="say --trust once"):
        trust.require("own:Game", place / "recipe.toml")


def test_decisions_lie_where_only_the_user_writes(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lies behind a link is not believed."""
    home, linked = place / "home", place / "linked"
    (home / "selfplay").mkdir(parents=True)
    (home / "selfplay").chmod(0o777)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    trust.remember("own:Game", place / "recipe.toml")
    assert (home / "selfplay").stat().st_mode & 0o077 == 0
    assert (home / "selfplay" / "trusted").stat().st_mode & 0o077 == 0
    trust.require("own:Game", place / "recipe.toml")
    (place / "theirs").mkdir()
    linked.mkdir()
    (linked / "selfplay").symlink_to(place / "theirs", target_is_directory=True)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(linked))
    trust.remember("own:Game", place / "recipe.toml")
    assert list((place / "theirs").iterdir()) == []


def test_the_working_folder_is_searched_for_own_games_alone(place: Path) -> None:
    """A game finds what lies beside it; afterwards the folder is off the path again."""
    before = list(sys.path)
    game = envs.make(f"{game_of(place)}?pins=5")
    assert (game.num_actions, game.max_moves) == (2, 5)
    assert sys.path == before
    assert game_of(place).partition(":")[0] in importing.own_modules()


def test_a_game_finds_what_it_imports_later(place: Path) -> None:
    """A library that imports what it can do without finds nothing there."""
    for name in ("named_later", "asked_later", "planted"):
        (place / f"{name}.py").write_text(f"WORD = {name!r}\n", encoding="utf-8")
    game: Any = envs.make(game_of(place))
    assert game.later() == "named_laterasked_later"
    assert {"named_later", "asked_later"} <= set(importing.own_modules())
    library: dict[str, str] = {"__name__": "library"}
    with pytest.raises(ModuleNotFoundError):
        exec("import planted", library)


def test_planted_libraries_are_not_run(place: Path) -> None:
    """Neither by the program nor by the processes that it starts."""
    for name in PLANTED:
        (place / f"{name}.py").write_text(
            f"open({str(place / 'PWNED')!r}, 'a').write({name!r})\n", encoding="utf-8"
        )
    program = (
        "import sys, os\n"
        "from selfplay.verbs import VERBS, cli\n"
        "if __name__ == '__main__':\n"
        "    sys.path.insert(0, ''); sys.path.append(os.getcwd())\n"
        "    cli._leave_working_folder()\n"
        "    for name in ('dill', 'coverage', 'yaml'):\n"
        "        try: __import__(name)\n"
        "        except ImportError: pass\n"
        "    import multiprocessing\n"
        "    other = multiprocessing.get_context('spawn').Process(target=print, args=(7,))\n"
        "    other.start(); other.join()\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(Path(envs.__file__).parent.parent)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "7"
    assert not (place / "PWNED").exists(), (place / "PWNED").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ('out = "/elsewhere"\nmake = "solver nim"', "leads out of the working folder"),
        ('out = "../elsewhere"\nmake = "solver nim"', "leads out of the working folder"),
        ('out = "d"\nmake = "solver nim --out /tmp/x"', "--out does not belong into make"),
        ('out = "d"\nmake = "RUN --trust"', "--trust does not belong into make"),
        ('out = "d"\nmake = "solver \'nim"', "cannot be read (No closing quotation)"),
        ('out = "d"\nmake = "solver os:system?command=true"', "say --trust once"),
    ],
)
def test_a_sweep_makes_no_data_elsewhere(lines: str, sentence: str, place: Path) -> None:
    text = f'[[data]]\n{lines}\n[[arm]]\nname = "a"\n'
    (place / "sweep.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=re.escape(sentence)):
        read_plan("sweep.toml")


def test_a_grid_has_an_end(place: Path) -> None:
    axes = "".join(f'"learner.{k}" = {list(range(1, 101))}\n' for k in ("lr", "reuse", "batch"))
    text = f'[grid]\n{axes}[[arm]]\nname = "a"\n'
    (place / "sweep.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"10,000 cells at most; this has 1,000,000"):
        read_plan("sweep.toml")


def test_a_recipe_of_many_mistakes_is_answered_by_a_few(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "recipe.toml").write_text("".join(f"x{i} = 1\n" for i in range(5000)), "utf-8")
    assert cli.main(["train", "recipe.toml"]) == 1
    err = capsys.readouterr().err
    assert (err.count("unknown option"), len(err) < 4100) == (5, True)


def test_a_recipes_name_leads_nowhere_else(place: Path) -> None:
    for name in ("..", ".", "...", "a/b"):
        (place / "recipe.toml").write_text(f'name = "{name}"\n', encoding="utf-8")
        assert cli.main(["train", "recipe.toml"]) == 1, name


def test_no_option_of_a_game_fills_the_memory() -> None:
    for game, *options in (
        ("connect4", "width=99999999", "height=99999999", "run=99999999", "width=nan"),
        ("nim", "stones=99999999", "take=99999999", "stones=2.5", "stones=inf"),
        ("envs.toys:Chain", "length=99999999"),
        ("envs.toys:Coins", "length=99999999"),
        ("envs.toys:Standoff", "length=0"),
    ):
        for option in options:
            with pytest.raises(ValueError, match=r"needs|expected"):
                envs.make(f"{game}?{option}")
