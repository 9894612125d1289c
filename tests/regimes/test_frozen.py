"""A net learns from what another run played."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from envs.tictactoe import TicTacToe
from selfplay.learning import shards
from selfplay.learning.samples import blank_targets
from selfplay.regimes import frozen


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
