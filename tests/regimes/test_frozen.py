"""A net learns from what another run played."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from tiny_runs import Truth, assert_goes_on, assert_ledger, judged, train_tiny

from envs.tictactoe import TicTacToe
from selfplay.learning import shards
from selfplay.learning.samples import blank_targets
from selfplay.regimes import frozen
from selfplay.training.run import Outcome


def short(maker: Outcome) -> dict[str, Any]:
    return {"kind": "frozen", "run": str(maker.folder), "positions": 512, "unique": 300}


def test_frozen_learns_what_another_run_played(
    selfplayed: Outcome, truth: Truth, tmp_path: Path
) -> None:
    outcome = train_tiny(
        tmp_path / "run",
        regime={"kind": "frozen", "run": str(selfplayed.folder), "positions": 4096},
        budget={"positions": 150_000},
    )
    assert judged(selfplayed.folder, truth).mistakes < 0.04
    assert judged(outcome.folder, truth).mistakes < 0.05


@pytest.mark.parametrize("how", ["missing", "another", "damaged"])
def test_frozen_learns_only_what_was_written_there(how: str, tmp_path: Path) -> None:
    game, folder = TicTacToe(), tmp_path / "made"
    rows = blank_targets(game, 10)
    for i in range(1, 4):
        made = shards.Made(0, i, 10 * (i - 1), 10 * i)
        shards.save_shard(folder / "replay" / f"{i:06}.npz", rows, game.num_actions, made)
    paths = sorted(folder.glob("replay/*.npz"))
    assert len(frozen._shards(paths, game)) == 3
    if how == "missing":
        paths[1].unlink()
        said = r"a file before .*000003\.npz is missing: 10 positions"
    elif how == "another":
        shutil.copy(paths[2], paths[1])
        said = r"000002\.npz holds the positions of iteration 3"
    else:
        content = bytearray(paths[1].read_bytes())
        content[len(content) // 2] ^= 1
        paths[1].write_bytes(content)
        said = r"000002\.npz is missing or damaged"
    with pytest.raises(ValueError, match=said):
        frozen._shards(sorted(folder.glob("replay/*.npz")), game)


def test_its_ledger_is_what_was_run(
    selfplayed: Outcome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert_ledger(monkeypatch, tmp_path / "run", short(selfplayed), plays=False, asks=False)


def test_stopped_and_resumed_it_is_the_same_run(
    selfplayed: Outcome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert_goes_on(monkeypatch, tmp_path, short(selfplayed))
