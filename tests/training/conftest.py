"""The small run that tests of trainings copy, stop and damage."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from selfplay.training.run import Outcome, train

RECIPE = """
game = "tictactoe"
checkpoint_s = 0.001
net = { kind = "mlp", width = 16 }
search = { simulations = 4 }
actor = { games = 16, threads = 2 }
regime = { positions = 150 }
replay = { window = 400, capacity = 600 }
learner = { batch = 64, warmup_steps = 5 }
evaluator = { cache = 1024, precision = "float32" }
strength = { every_s = 1e6, versus = ["random"], own_positions = 0, games = 4, simulations = 2 }
budget = { positions = 1000 }
"""


@pytest.fixture(scope="session")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("recipes") / "small.toml"
    path.write_text(RECIPE)
    return str(path)


@pytest.fixture(scope="session")
def straight(recipe: str, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """The run that nothing happened to."""
    return train(recipe, out=str(tmp_path_factory.mktemp("runs") / "straight"))


@pytest.fixture
def copy(straight: Outcome, tmp_path: Path) -> Path:
    """That run, to be damaged."""
    return Path(shutil.copytree(straight.folder, tmp_path / "copy"))
