"""Replay shards: whole or not there, of the right game, and never a stranger's code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from traps import Trap

from envs.connect4 import Connect4
from envs.tictactoe import TicTacToe
from selfplay import arrays
from selfplay.learning.samples import blank_targets
from selfplay.learning.shards import Made, count_samples, load_shard, save_shard
from selfplay.types import Targets


def some_samples(count: int) -> Targets:
    rng = np.random.default_rng(0)
    like = blank_targets(TicTacToe())
    samples: Targets = arrays.tree_map(
        lambda a: rng.integers(0, 2, (count, *a.shape[1:])).astype(a.dtype), like
    )
    return samples


def test_samples_come_back_as_they_were(tmp_path: Path) -> None:
    samples = some_samples(37)
    save_shard(tmp_path / "1.npz", samples)
    loaded = load_shard(tmp_path / "1.npz", TicTacToe())[0]
    assert type(loaded.obs) is type(samples.obs)
    for got, given in zip(arrays.leaves(loaded), arrays.leaves(samples), strict=True):
        assert got.dtype == given.dtype
        np.testing.assert_array_equal(got, given)
    assert count_samples(tmp_path / "1.npz") == 37


def test_every_flipped_bit_of_samples_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "1.npz"
    save_shard(path, some_samples(20), Made(7, 1, 100, 120))
    assert load_shard(path, TicTacToe())[1] == (7, 1, 100, 120)
    assert count_samples(path) == 20
    whole, rng = path.read_bytes(), np.random.default_rng(3)
    for place in rng.integers(len(whole), size=200):
        content = bytearray(whole)
        content[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"1\.npz is missing or damaged"):
            load_shard(path, TicTacToe())


def test_samples_of_another_game_are_refused(tmp_path: Path) -> None:
    save_shard(tmp_path / "1.npz", some_samples(3))
    with pytest.raises(ValueError, match="positions of another game"):
        load_shard(tmp_path / "1.npz", Connect4())


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_damaged_samples_are_refused(tmp_path: Path, share: float) -> None:
    path = tmp_path / "1.npz"
    save_shard(path, some_samples(100))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    for read in (
        lambda: load_shard(path, TicTacToe()),
        lambda: count_samples(path),
    ):
        with pytest.raises(ValueError, match=r"1\.npz is missing or damaged"):
            read()


def test_samples_with_pickles_inside_are_refused(tmp_path: Path) -> None:
    path, trap = tmp_path / "1.npz", tmp_path / "sprung"
    fields = {f"field{i}": np.array([Trap(trap)], object) for i in range(8)}
    np.savez(path, **fields)
    with pytest.raises(ValueError, match="missing or damaged"):
        load_shard(path, TicTacToe())
    assert not trap.exists()
