"""Config: what a recipe may say, and one clear sentence for everything it may not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from selfplay.config import Budget, Config, load_config, nearest_recipe, parse_config
from selfplay.nets import Mlp, ResNet
from selfplay.search import Gumbel, Puct

RECIPES = Path(__file__).parent.parent / "configs"


def written(folder: Path, text: str, name: str = "recipe.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_what_is_not_said_has_its_default(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, ""))
    assert config == Config(name="recipe")
    assert config.game == "connect4"
    assert config.net == ResNet()
    assert config.search == Gumbel()
    assert config.budget == Budget(seconds=300)


def test_reads_a_recipe(tmp_path: Path) -> None:
    text = """
        name = "first"
        game = "tictactoe"
        [net]
        kind = "mlp"
        width = 32
        [search]
        kind = "puct"
        simulations = 8
        [strength]
        versus = ["random", "mcts:10"]
        [budget]
        positions = 1000
    """
    config = load_config(written(tmp_path, text))
    assert (config.name, config.game) == ("first", "tictactoe")
    assert config.net == Mlp(width=32)
    assert config.search == Puct(simulations=8)
    assert config.strength.versus == ("random", "mcts:10")
    assert config.budget == Budget(positions=1000)  # the default of 300 seconds is gone


def test_a_section_without_kind_means_the_default_kind() -> None:
    assert parse_config({"net": {"channels": 8}}).net == ResNet(channels=8)
    assert parse_config({"search": {"simulations": 3}}).search == Gumbel(simulations=3)


@pytest.mark.parametrize(
    ("override", "place", "value"),
    [
        ("search.simulations=64", ("search", "simulations"), 64),
        ("learner.lr = 1e-3", ("learner", "lr"), 0.001),
        ("learner.symmetries=false", ("learner", "symmetries"), False),
        ("learner.optimizer=sgd", ("learner", "optimizer"), "sgd"),
        ('strength.versus=["random"]', ("strength", "versus"), ("random",)),
        ("game=connect4?width=5&height=4", ("game",), "connect4?width=5&height=4"),
        ("name=s1", ("name",), "s1"),
    ],
)
def test_overrides(override: str, place: tuple[str, ...], value: Any) -> None:
    found: Any = parse_config({"search": {"simulations": 8}}, [override])
    for name in place:
        found = getattr(found, name)
    assert found == value


def test_the_last_override_counts_and_may_change_the_kind() -> None:
    config = parse_config({}, ["net.kind=mlp", "net.width=9", "net.width=8"])
    assert config.net == Mlp(width=8)


def test_the_resolved_configuration_reads_back() -> None:
    plain = {"net": {"kind": "mlp"}, "strength": {"versus": ["random"]}}
    config = parse_config(plain, ["budget.positions=5"])
    assert parse_config(json.loads(json.dumps(config.dump()))) == config


def test_a_file_name_becomes_a_run_name(tmp_path: Path) -> None:
    assert load_config(written(tmp_path, "", "my first run.v2.toml")).name == "my-first-run.v2"


@pytest.mark.parametrize(
    ("plain", "sentence"),
    [
        ({"searh": {}}, "unknown option 'searh'; did you mean 'search'?"),
        (
            {"search": {"simulatons": 3}},
            "unknown option 'search.simulatons'; did you mean 'simulations'?",
        ),
        ({"net": {"chanels": 3}}, "unknown option 'net.chanels'; did you mean 'channels'?"),
        (
            {"net": {"kind": "mlp", "channels": 3}},
            "unknown option 'net.channels'; it is for net.kind = 'resnet'",
        ),
        (
            {"net": {"kind": "mlp", "zz": 3}},
            "unknown option 'net.zz'; known here: kind, layers, reply_head, width",
        ),
        (
            {"backend": {"kind": "threads", "address": "auto"}},
            "unknown option 'backend.address'; it is for backend.kind = 'ray'",
        ),
        (
            {"search": {"kind": "gumble"}},
            "search.kind is 'gumble', expected one of 'gumbel', 'puct'; did you mean 'gumbel'?",
        ),
        ({"search": {"kind": "x"}}, "search.kind is 'x', expected one of 'gumbel', 'puct'"),
        (
            {"backend": {"kind": "rays"}},
            "backend.kind is 'rays', expected one of 'processes', 'ray', 'threads'; "
            "did you mean 'ray'?",
        ),
        (
            {"search": {"simulations": 0}},
            "search.simulations = 0: Input should be greater than or equal to 1",
        ),
        ({"learner": {"lr": -1}}, "learner.lr = -1: Input should be greater than 0"),
        (
            {"actor": {"outcome_share": 1.5}},
            "actor.outcome_share = 1.5: Input should be less than or equal to 1",
        ),
        (
            {"learner": {"optimizer": "adam"}},
            "learner.optimizer = 'adam': Input should be 'adamw', 'sgd' or 'muon'",
        ),
        ({"search": 3}, "search = 3: expected a section [search]"),
        ({"learner": 3}, "learner = 3: expected a section [learner]"),
        (
            {"budget": {}},
            "budget = {}: set seconds, positions or flops, else the run would never end",
        ),
        (
            {"budget": {"seconds": float("inf")}},
            "budget.seconds = inf: Input should be a finite number",
        ),
        (
            {"regime": {"kind": "imitation"}},
            "the option regime.data is missing; name it there, or with --set regime.data=...",
        ),
        ({"game": 3}, "game = 3: Input should be a valid string"),
    ],
)
def test_every_mistake_is_one_sentence(plain: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011  the whole message is compared
        parse_config(plain, source="x.toml")
    assert str(error.value) == f"x.toml: {sentence}"


def test_all_mistakes_are_told_at_once_and_quote_what_was_given() -> None:
    said = r"^config: learner.lr = 'low': .*valid number.*; .*'sed'; did you mean 'seed'\?"
    with pytest.raises(ValueError, match=said):
        parse_config({"learner": {"lr": "low"}, "sed": 1})


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("learner.lr", "--set 'learner.lr': expected section.key=value"),
        ("learner..lr=1", "--set 'learner..lr=1': expected section.key=value"),
        ("game.width=3", "--set 'game.width=3': 'game' is a value, not a section"),
        ("learner.rl=1", "config: unknown option 'learner.rl'; did you mean 'lr'?"),
    ],
)
def test_a_wrong_override_is_one_sentence(override: str, sentence: str) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011  the whole message is compared
        parse_config({"game": "tictactoe"}, [override])
    assert str(error.value) == sentence


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("conect4.toml", "; did you mean 'configs/connect4.toml'?"),
        ("configs/tictactoe.tml", "; did you mean 'configs/tictactoe.toml'?"),
        ("mine.toml", "; did you mean 'configs/mine-2.toml'?"),
        ("xyzzy.toml", ""),
    ],
)
def test_a_missing_file_names_the_nearest_recipe(
    name: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").mkdir()
    for recipe in ("connect4", "tictactoe", "mine-2"):
        (tmp_path / "configs" / f"{recipe}.toml").touch()
    with pytest.raises(FileNotFoundError) as error:
        load_config(name)
    assert str(error.value) == f"there is no config file {name!r}{hint}"


def test_the_projects_recipes_are_named_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert nearest_recipe("conect4") == RECIPES / "connect4.toml"


RECIPE = 'seed = 3  # é\ngame = "tictactoe"\n'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_recipes_of_any_editor_are_read(encoding: str, end: str, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(RECIPE.replace("\n", end).encode(encoding))
    config = load_config(tmp_path / "a.toml")
    assert (config.seed, config.game) == (3, "tictactoe")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (RECIPE.encode("latin-1"), "a.toml, line 1: the byte 0xe9 is not utf-8; save the file as"),
        (b"seed = " + b"[" * 100_000, "is not valid TOML: it is nested too deeply"),
        (b"seed = " + b"{a=" * 50_000, "is not valid TOML: it is nested too deeply"),
        (b".".join([b"a"] * 100_000) + b" = 1", "is not valid TOML: it is nested too deeply"),
        *((torn, "is not valid TOML: ") for torn in (b"game = ", b"\xff\xfe", b"[net\n")),
        (b"seed = = " + b"9" * 200_000, "is not valid TOML: Invalid value"),
        (b"seed = " + b"9" * 5000, "is not valid TOML: Exceeds the limit"),
        (b"#" * (1 << 21), "a.toml is too long: at most 1,048,576 bytes are read"),
    ],
)
def test_recipes_that_cannot_be_read_say_so(content: bytes, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(content)
    with pytest.raises(ValueError, match=sentence.replace(".", r"\.")):
        load_config(tmp_path / "a.toml")


def test_brackets_without_end_and_dates_are_text(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="seed = "):
        parse_config({}, ["seed=" + "[" * 20_000])
    with pytest.raises(ValueError, match="unknown option 'when'"):
        load_config(written(tmp_path, "when = 2026-01-01"))


@pytest.mark.parametrize(
    ("budget", "seconds", "positions", "flops", "share"),
    [
        (Budget(seconds=100), 25.0, 10**9, 1e18, 0.25),
        (Budget(positions=1000), 1e9, 100, 1e18, 0.1),
        (Budget(flops=1e12), 1e9, 10**9, 3e11, 0.3),
        (Budget(seconds=100, positions=1000), 25.0, 100, 0.0, 0.25),
        (Budget(seconds=100, positions=1000), 25.0, 900, 0.0, 0.9),
        (Budget(seconds=100, positions=1000, flops=1e6), 25.0, 100, 5e5, 0.5),
        (Budget(seconds=100), 200.0, 0, 0.0, 1.0),
    ],
)
def test_progress_is_that_of_the_budget_nearest_its_end(
    budget: Budget, seconds: float, positions: int, flops: float, share: float
) -> None:
    assert budget.progress(seconds, positions, flops) == pytest.approx(share)


@pytest.mark.parametrize("recipe", sorted(RECIPES.glob("*.toml")), ids=lambda p: p.stem)
def test_the_recipes_that_ship_are_valid(recipe: Path) -> None:
    assert load_config(recipe).name == recipe.stem
