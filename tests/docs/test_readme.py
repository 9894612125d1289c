"""What README.md and docs/ say is so: commands, options, metrics, examples, files."""

from __future__ import annotations

import argparse
import importlib.util
import re
import shlex
import shutil
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from program import answer, modules_of, run

import envs
from envs import trust
from selfplay import arrays
from selfplay.checks import check_game
from selfplay.config import load_config, parse_config
from selfplay.lines.openings import NO_MOVE, random_positions
from selfplay.nets import evaluator
from selfplay.play import terminal
from selfplay.training import resume
from selfplay.training.folder import RunFolder
from selfplay.training.metrics import find, table
from selfplay.training.metrics_file import read_metrics
from selfplay.training.run import Training
from selfplay.truth.base import optimal_moves
from selfplay.truth.positions import default_positions, read_positions, write_positions
from selfplay.truth.solver import solver_for
from selfplay.verbs import cli

ROOT = Path(__file__).resolve().parents[2]
PAGES = {path: path.read_text("utf-8") for path in (ROOT / "README.md", *ROOT.glob("docs/*.md"))}
README = PAGES[ROOT / "README.md"]
MANUAL = "\n".join(PAGES.values())
GAMES = (ROOT / "docs" / "games.md").read_text(encoding="utf-8")
HEADINGS = [
    "Players", "Observation", "Actions", "Rewards", "End", "Symmetries", "Version history",
]  # fmt: skip


def blocks(language: str) -> list[str]:
    """The contents of the fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", MANUAL, re.M | re.S)


def block(language: str, part: str) -> str:
    """The one fenced block of a language that holds ``part``."""
    (content,) = (each for each in blocks(language) if part in each)
    return content


def write_kayles(place: Path) -> None:
    """The game of the README that is a user's own, and its recipe."""
    (place / "kayles.py").write_text(block("python", "class Kayles"), encoding="utf-8")
    (place / "kayles.toml").write_text(block("toml", "kayles"), encoding="utf-8")


def section(heading: str, text: str = MANUAL) -> str:
    """What stands below a heading, down to the next one of its rank or above."""
    rank = len(heading) - len(heading.lstrip("#"))
    start = text.index(f"\n{heading}\n") + len(heading) + 2
    end = re.search(rf"^#{{1,{rank}}} ", text[start:], re.M)
    return text[start : start + end.start()] if end else text[start:]


def rows(text: str) -> list[list[str]]:
    """The cells of the table rows in a text, without headings."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    heads = [i - 1 for i, row in enumerate(cells) if set(row[0]) <= set("-:")]
    return [row for i, row in enumerate(cells) if i not in heads and i - 1 not in heads]


COMMANDS = [
    *re.findall(r"^selfplay .*$", "\n".join(blocks("sh")), re.M),
    *re.findall(r"`(selfplay \w+ [^`\n]+)`", MANUAL),
]


def parsed(command: str) -> argparse.Namespace:
    parser, _ = cli._parser()
    return parser.parse_args(shlex.split(command, comments=True)[1:])


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_parse(command: str) -> None:
    assert parsed(command.replace("GAME", "connect4")).verb in command


def test_every_verb_is_shown() -> None:
    _, verbs = cli._parser()
    assert {command.split()[1] for command in COMMANDS} >= set(verbs)


def trained() -> list[argparse.Namespace]:
    found = [parsed(command) for command in COMMANDS if command.startswith("selfplay train ")]
    return [each for each in found if each.target.endswith(".toml")]


@pytest.mark.parametrize("name", sorted({each.target for each in trained()}))
def test_named_recipes_exist_and_load(name: str, tmp_path: Path) -> None:
    path = ROOT / name
    if f"`{name}` beside it" in MANUAL:
        path = tmp_path / name
        write_kayles(tmp_path)
    trust.begin((), everything=True)
    for command in trained():
        if command.target == name:
            load_config(path, command.overrides)


def test_every_figure_is_filled_in() -> None:
    assert "TODO" not in MANUAL
    assert "TODO" not in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_recipes_take_as_long_as_stated() -> None:
    assert "configs/connect4.toml                    # an hour" in MANUAL
    assert load_config(ROOT / "configs" / "connect4.toml").budget.seconds == 3600
    assert "make demo    # sets up .venv and trains Connect Four for about five minutes" in MANUAL
    assert load_config(ROOT / "configs" / "demo.toml").budget.seconds == 300


def titles(text: str) -> set[str]:
    """The anchors of a page's headings."""
    headings = re.findall(r"^#+ (.*)$", text, re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_and_pictures_exist(path: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^)]+))?\)", PAGES[path]):
        page = (path.parent / target).resolve() if target else path
        assert page.exists(), f"{target} is linked and not there"
        assert not anchor or anchor in titles(PAGES.get(page) or page.read_text("utf-8"))


# Commands that are run ---------------------------------------------------------------------------

BUDGETS = {  # what makes a command of the README short enough for a test
    "selfplay train kayles.toml --trust": "--set regime.positions=500 --set budget.positions=500 "
    "--set budget.seconds=600 --set strength.games=10",
    "selfplay match kayles solver --game kayles:Kayles": "--games 20",
    "--out runs/pz": "--set budget.positions=200 --set search.simulations=4 --set strength.games=2 "
    "--set strength.simulations=8",
}
LIGHT = [
    command
    for command in dict.fromkeys(COMMANDS)
    if re.match(r"selfplay (games|check|match random)\b", command)
    and not re.search("kayles|GAME", command)
]


def run_as_written(command: str, place: Path, more: str = "") -> str:
    """What a command of the manual prints, run in ``place`` with standard input closed."""
    assert command in COMMANDS
    longer = [more, *(each for end, each in BUDGETS.items() if command.endswith(end))]
    done = run(place, *shlex.split(" ".join([command, *longer]))[1:])
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    assert "Next: selfplay " in done.stdout
    return done.stdout


def skip_without_packages(command: str) -> None:
    if "pettingzoo.classic" in command:
        pytest.importorskip("pygame", reason="needs the extra 'classic'")


def games_of(printed: str) -> tuple[int, ...]:
    """Games won, drawn and lost by the first player of a match."""
    counts = re.search(r"(\d+) won, (\d+) drawn, (\d+) lost", printed)
    assert counts is not None
    return tuple(map(int, counts.groups()))


@pytest.mark.parametrize("command", LIGHT)
def test_light_commands_run(command: str, tmp_path: Path) -> None:
    skip_without_packages(command)
    patient = "--seconds 200" if command.startswith("selfplay check") else ""  # a busy machine
    printed = run_as_written(command, tmp_path, patient)
    if command.startswith("selfplay games"):
        assert [line.split()[0] for line in printed.splitlines()[1:-1]] == sorted(envs.GAMES)
    elif command.startswith("selfplay check"):
        assert "kept every law in 16 random games" in printed
    else:
        won, drawn, lost = games_of(printed)
        games = re.search(r"--games (\d+)", command)
        assert won + drawn + lost == (int(games[1]) if games else 100)
        assert won < lost  # at random, against looking two moves ahead


def test_the_sequence_for_a_users_game_runs(tmp_path: Path) -> None:
    write_kayles(tmp_path)
    check, train, play, match = (
        run_as_written(command, tmp_path) for command in block("sh", "kayles").splitlines()
    )
    assert "kayles-9 kept every law" in check
    bench = re.search(r"^Next: selfplay (bench .*)$", check, re.M)
    assert bench is not None
    few = f"{bench[1]} --net mlp --games 16 --simulations 2 --seconds 0.1"
    assert run(tmp_path, *shlex.split(few)).returncode == 0
    assert "of the points against random." in train
    assert "of the points against minimax:4." in train
    assert (tmp_path / "runs" / "kayles" / "report.md").is_file()
    assert "1 2 3 4 5 6 7 8 9" in play
    assert sum(games_of(match)) == 20
    assert "Elo" in match


@pytest.mark.slow  # in short: the same environment is checked and played in test_from_pettingzoo.py
def test_an_environment_of_pettingzoo_is_trained_on_as_written(tmp_path: Path) -> None:
    (command,) = (each for each in COMMANDS if each.endswith("--out runs/pz"))
    skip_without_packages(command)
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    assert "of the points against solver." in run_as_written(command, tmp_path)
    last = [line for line in read_metrics(tmp_path / "runs" / "pz") if line["phase"] == "learn"][-1]
    assert last["step"] >= 200
    assert last["cost/positions_unique"] <= 4520  # positions of tic-tac-toe that are not over


# Configuration -----------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["options", "metrics"])
def test_the_printed_reference_is_fresh(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["config", page]) == 0
    printed = capsys.readouterr().out
    assert printed == PAGES[ROOT / "docs" / f"{page}.md"], (
        f"selfplay config {page} > docs/{page}.md"
    )
    assert "None" not in printed  # each has its meaning


def test_what_the_prose_quotes_from_the_code() -> None:
    options = PAGES[ROOT / "docs" / "options.md"]
    assert f"takes {evaluator._WORTH_IT / 1e6:g} MFLOP or more" in options
    text = section("## Stop and go on")
    free = re.findall(r"`([\w.]+)`", text[text.index("What may change") :])
    assert sorted(free) == sorted(resume._FREE_TO_CHANGE)


def test_the_words_of_the_terminal_are_those_it_knows() -> None:
    cells = [row[0] for row in rows(section("## Against an agent"))]
    words = {word for cell in cells for word in re.findall(r"`(\w+)(?: FILE)?`", cell)}
    assert words >= {known.split()[0] for known in terminal.HELP} - {"MOVE"}
    assert words <= {known.split()[0] for known in terminal.HELP} | set(terminal.SHORT)


# Metrics -----------------------------------------------------------------------------------------


def test_the_table_of_metrics_names_what_a_run_emits(tmp_path: Path) -> None:
    game = envs.make("tictactoe")
    rng = np.random.default_rng(0)
    reached = random_positions(game, rng.integers(0, 7, 40), rng)
    moves = [line[line != NO_MOVE].tolist() for line in reached.moves]
    scores = solver_for(game).scores(reached.state)
    write_positions(game, tmp_path / "known.csv", ["SET"] * len(moves), moves, scores)
    config = parse_config({
        "game": "tictactoe",
        "net": {"kind": "mlp", "width": 16, "layers": 1},
        "search": {"kind": "gumbel", "simulations": 4},
        "actor": {"games": 8, "threads": 1},
        "regime": {"kind": "selfplay", "positions": 64},
        "strength": {
            "positions": str(tmp_path / "known.csv"), "simulations": 4, "versus": ["random"],
            "games": 2, "own_positions": 10, "ladder": [2],
            "validation": str(tmp_path / "known.csv"),
        },
        "budget": {"positions": 64},
    })  # fmt: skip
    Training(RunFolder(tmp_path / "run"), config).run()
    emitted = {name for line in read_metrics(tmp_path / "run") for name in line if "/" in name}
    assert [name for name in emitted if find(name) is None] == []
    missing = {each.name for each in table() if not any(map(each.matches, emitted))}
    others = ("step", "prove/", "strength/proved", "strength/unproved", "validation/",
              "selfplay/lag", "cost/device_s", "cost/stopped")  # fmt: skip
    assert {name for name in missing if not name.startswith(others)} == {"learn/epoch"}


def test_the_random_player_errs_as_often_as_stated() -> None:
    game = envs.make("connect4")
    path = default_positions(game)
    assert path is not None
    positions = read_positions(game, path)
    kept = optimal_moves(positions.scores).sum(axis=1) / game.legal(positions.state).sum(axis=1)
    errs = 1 - np.mean([kept[positions.set_index == i].mean() for i in range(6)])
    assert f"a random legal move | | {errs:.1%} |" in README


# Examples ----------------------------------------------------------------------------------------


def test_the_game_of_the_readme_keeps_the_laws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_kayles(tmp_path)
    with modules_of(tmp_path):
        monkeypatch.syspath_prepend(str(tmp_path))
        game = envs.make(tomllib.loads(block("toml", "kayles"))["game"])
        assert check_game(game) == []
        # Kayles with 9 pins is won by the first player (Grundy value 4, Guy and Smith 1956)
        scores = solver_for(game).scores(game.init(np.random.default_rng(0), 1))
        assert np.nanmax(scores) > 0
        # knocking down the middle pin leaves equal halves, which the second can only copy
        assert scores[0, game.parse_action("5")] > 0


def test_the_agent_of_the_readme_moves(capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(block("python", "load_agent"), "README.md", "exec"), {})
    worth, *drawn = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"4, worth \+0\.\d\d", worth)  # the middle column, which wins
    assert "X" in "".join(drawn)


def test_the_environments_of_the_readme_run() -> None:
    names: dict[str, Any] = {}
    exec(compile(block("python", "to_pettingzoo"), "README.md", "exec"), names)
    assert names["over"]
    assert names["reward"] in (-1, 0, 1)


def test_the_example_of_a_position_file_is_one(tmp_path: Path) -> None:
    (content,) = blocks("csv")
    (tmp_path / "example.csv").write_text(content, encoding="utf-8")
    game = envs.make("connect4")
    positions = read_positions(game, tmp_path / "example.csv")
    assert positions.set_names == ("begin-easy",)
    assert arrays.length(positions.state) == 1


def contrast(one: str, other: str) -> float:
    """The ratio of two colours as WCAG 2.1 defines it."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_the_recipe_of_the_figure_draws_measured_strength(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("make_figures", ROOT / "docs" / "make_figures.py")
    assert spec is not None
    assert spec.loader is not None
    figures = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(figures)
    rates = {
        f"strength/{name}mistake_rate{end}": rate
        for name in ("", "net_")
        for end, rate in (("", 0.2), ("_low", 0.1), ("_high", 0.3))
    }
    metrics = [
        {"step": 0, "phase": "strength", "time": 7.0, **rates},
        {"step": 50, "phase": "learn", "time": 9.0, "cost/wall_s": 90.0},
        {"step": 50, "phase": "strength", "time": 9.0, **rates},
    ]
    assert [minute for minute, _ in figures.strength_by_minute(metrics)] == [0.0, 1.5]
    for name in ("one.svg", "two.svg"):
        figures.draw_strength(metrics, tmp_path / name)
    drawn = (tmp_path / "one.svg").read_bytes()
    assert drawn == (tmp_path / "two.svg").read_bytes()
    assert b"64 simulations a move" in drawn
    fills = re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})", drawn.decode())
    fills += [colour for colour, _ in figures.LINES.values()]
    for colour in set(fills):  # 3 is what WCAG 2.1 asks of graphics, on a white and a dark page
        assert contrast(colour, "#ffffff") > 3
        assert contrast(colour, "#0d1117") > 3
    with pytest.raises(ValueError, match="no strength against perfect play"):
        figures.draw_strength(metrics[1:2], tmp_path / "none.svg")


# Machine-readable answers ------------------------------------------------------------------------


def test_json_keys_are_those_the_readme_names(tmp_path: Path) -> None:
    words = "bench nim --net mlp --width 8 --games 256 --simulations 2 --seconds 0.1 --json"
    content = answer(run(tmp_path, *words.split()))
    cells = [row[0] for row in rows(section("## Speed"))]
    assert {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)} == set(content)
    words = "match random minimax:1 --game tictactoe --games 2 --json"
    content = answer(run(tmp_path, *words.split()))
    text = section("## Against other players")
    named = set(re.findall(r"`(\w+)`", text[text.index("`--json` prints") :]))
    assert named == set(content) | set(content["pairs"][0])


# docs/games.md -----------------------------------------------------------------------------------


def test_every_game_has_its_specification() -> None:
    assert re.findall(r"^## (.*)$", GAMES, re.M) == list(envs.GAMES)
    for name in envs.GAMES:
        assert re.findall(r"^### (.*)$", section(f"## {name}", GAMES), re.M) == HEADINGS


@pytest.mark.parametrize("name", list(envs.GAMES))
def test_specifications_have_the_right_sizes(name: str) -> None:
    game = envs.make(name)
    text = section(f"## {name}", GAMES)
    fields = arrays.leaves(game.observe(game.init(np.random.default_rng(0), 1)))
    stated = re.findall(
        r"^(?:Planes|Features|Context|Options) \[(.*?)\] (\w+)",
        section("### Observation", text),
        re.M,
    )
    known = {**vars(game), "stones": game.max_moves}
    shapes = [tuple(eval(size, {}, known) for size in sizes.split(", ")) for sizes, _ in stated]
    assert shapes == [field.shape[1:] for field in fields]
    assert [name for _, name in stated] == [field.dtype.name for field in fields]
    count = len(getattr(game, "action_map", [0]))
    symmetries = section("### Symmetries", text).strip()
    assert symmetries.startswith(f"{count}: ") or (count == 1 and symmetries == "None.")
