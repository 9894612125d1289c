"""The agents that ship: small, found by the name of the game, made by their recipes, measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from examples import example
from program import run

from selfplay.arrays import concatenate, leaves, length, take
from selfplay.config import load_config
from selfplay.players.arena import score, tournament
from selfplay.players.level_ratings import read_levels
from selfplay.players.levels import LEVELS
from selfplay.players.players import RandomPlayer
from selfplay.training.agent import load_agent
from selfplay.training.folder import find_run
from selfplay.training.metrics_file import read_metrics
from selfplay.training.places import shipped_agent
from selfplay.truth.solver import solver_for
from selfplay.types import Game, Player, State
from selfplay.verbs.players import player_of

ROOT = Path(__file__).parents[2]
RECIPES = {  # by game, with what its command set beside
    "connect4": ("connect4", []),
    "tictactoe": ("tictactoe", ["actor.threads=1"]),
    "othello-6x6": ("othello6", ["actor.threads=1"]),
    "othello": ("othello", ["actor.threads=1"]),
}
MOST = 3e6  # bytes of an agent


@pytest.fixture(params=RECIPES)
def name(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a game, in a folder without runs."""
    monkeypatch.chdir(tmp_path)
    example(request.param)
    return str(request.param)


def player(name: str, simulations: int) -> tuple[Game, Player]:
    agent = load_agent(f"reference/{name}")
    return agent.game, player_of(agent, simulations)


def test_it_is_small_and_found_by_the_name_and_the_spec_of_its_game(name: str) -> None:
    folder = find_run(name)
    assert folder.path == shipped_agent(name) == find_run(folder.config().game).path
    assert sum(file.stat().st_size for file in folder.path.rglob("*")) < MOST
    assert len(folder.checkpoints()) == 1


def test_its_recipe_made_it_and_its_budget_was_used_up(name: str) -> None:
    recipe, beside = RECIPES[name]
    made, folder = load_config(str(ROOT / "configs" / f"{recipe}.toml"), beside), find_run(name)
    for part in ("game", "seed", "regime", "net", "search", "actor", "replay", "learner", "budget"):
        assert getattr(folder.config(), part) == getattr(made, part)
    command = folder.read_json("provenance.json")["command"]
    assert command.startswith(f"selfplay train configs/{recipe}.toml")
    last = [line for line in read_metrics(folder.path) if "cost/wall_s" in line][-1]
    if made.budget.positions is not None:
        assert last["step"] >= made.budget.positions
    else:
        assert last["cost/wall_s"] > 0.99 * (made.budget.seconds or 0)


def test_its_levels_were_measured_and_rise(name: str) -> None:
    folder = find_run(name)
    levels, newest = read_levels(folder.path), folder.latest()
    assert levels
    assert newest
    assert levels.step == int(newest.stem)
    assert [each.level for each in levels.ratings] == [*range(1, LEVELS + 1), None]
    elo = [each.elo for each in levels.ratings]  # neighbours are within one another's intervals
    assert all(higher > lower for lower, higher in zip(elo, elo[2:], strict=False))
    assert 0 < levels.ratings[0].low < levels.ratings[0].high < levels.ratings[4].low


def test_the_documents_tell_its_levels(name: str) -> None:
    levels = read_levels(find_run(name).path)
    table = (ROOT / "docs/play.md").read_text().partition("## Levels")[2].partition("\n## ")[0]
    lines = [line.strip("|").split("|") for line in table.splitlines() if line.startswith("| ")]
    column = [cells[lines[0].index(f" `{name}` ")].strip() for cells in lines]
    assert levels
    told = [f"{each.elo:+.0f} ({each.low:+.0f} to {each.high:+.0f})" for each in levels.ratings]
    assert column[1:] == [*told, f"{levels.simulations}, {levels.games:,}"]


def test_it_plays_at_once_and_what_is_typed_next_runs(name: str, tmp_path: Path) -> None:
    done = run(tmp_path, "play", name, "--simulations", "2", typed="go\nquit\n")
    assert done.returncode == 0
    assert f"reference/{name}:2: you move first." in done.stdout
    assert "and expects" in done.stdout
    assert done.stdout.endswith(f"Next: selfplay match {name} random\n")


def test_it_beats_random_by_legal_moves(name: str) -> None:
    game, agent = player(name, 2)
    (match,) = tournament(game, [agent, RandomPlayer()], pairs=10, plies=0, seed=0)
    assert score(match).value > 0.85


def all_positions(game: Game) -> State:
    """Every position that can be reached and is not over."""
    state, known = game.init(np.random.default_rng(0), 1), set()
    found = [state]
    while length(state):
        rows, actions = np.nonzero(game.legal(state))
        after, paid = game.step(take(state, rows), actions.astype(np.int32))
        fresh = {
            b"".join(field[i].tobytes() for field in leaves(after)): i
            for i in np.flatnonzero(paid.discount)
        }
        state = take(after, [i for key, i in fresh.items() if key not in known])
        known.update(fresh)
        found.append(state)
    return concatenate(found)


@pytest.mark.parametrize("simulations", [0, 64])
def test_tictactoe_errs_nowhere(simulations: int) -> None:
    example("tictactoe")
    game, agent = player("tictactoe", simulations)
    state = all_positions(game)
    assert length(state) == 4520
    played = agent.decide(game, state, np.random.default_rng(0)).action
    solver = solver_for(game)
    assert solver
    result = np.where(game.legal(state), np.sign(solver.scores(state)), -2)
    assert (result[np.arange(4520), played] == result.max(axis=1)).all()
