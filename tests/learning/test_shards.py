"""Replay shards: whole or not there, of the right game, and never a stranger's code."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reference import assert_same_arrays, random_positions
from traps import Trap

from envs.connect4 import Connect4
from envs.tictactoe import TicTacToe
from selfplay.learning.checkpoint import DamagedError, read_sealed, write_sealed
from selfplay.learning.samples import listed, targets
from selfplay.learning.shards import Made, count_samples, load_shard, save_shard
from selfplay.types import Targets

GAME = TicTacToe()
MADE = Made(7, 1, 100, 120)


def some_samples(count: int) -> Targets:
    rng = np.random.default_rng(0)
    state = random_positions(GAME, rng, count, 4)
    legal = GAME.legal(state)
    policy, reply, weight = (
        rng.random(shape).astype(np.float32) for shape in (legal.shape, legal.shape, count)
    )
    value = rng.random((count, 3)).astype(np.float32)
    samples = targets(GAME.observe(state), legal, policy * legal, value, weight, weight**2)
    return samples._replace(reply_actions=listed(np.ones_like(legal)), reply=reply)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of 20 samples."""
    path = tmp_path / "1.npz"
    save_shard(path, some_samples(20), 9, MADE)
    return path


def assert_same(one: Targets, two: Targets) -> None:
    assert type(one.obs) is type(two.obs)
    assert_same_arrays(one, two)


def test_samples_come_back_as_they_were(path: Path) -> None:
    samples, made = load_shard(path, GAME)
    assert_same(samples, some_samples(20))
    assert made == MADE
    assert count_samples(path) == 20
    with np.load(path) as file:
        assert set(file.files) == {
            "format", "num_actions", "made", "targets_obs_planes", "targets_actions",
            "targets_policy", "targets_value", "targets_reply_actions", "targets_reply",
            "targets_policy_weight", "targets_value_weight",
        }  # fmt: skip


def test_a_file_of_the_first_versions_is_read(tmp_path: Path) -> None:
    """Numbered fields: observation, legal, policy, value, reply, two weights, and one of zeros."""
    path, samples = tmp_path / "1.npz", some_samples(2)
    legal = np.array([[True] * 3 + [False] * 6, [False] * 8 + [True]])
    policy = np.array([[0.5, 0, 0.5] + [0] * 6, [0] * 8 + [1]], np.float32)
    reply = np.array([[0] * 9, [0, 0.75, 0, 0, 0.25, 0, 0, 0, 0]], np.float32)
    numbered = (
        samples.obs.planes, legal, policy, samples.value, reply, samples.policy_weight,
        samples.value_weight, np.zeros(2, np.float32),
    )  # fmt: skip
    fields: dict[str, Any] = {f"field{i}": field for i, field in enumerate(numbered)}
    write_sealed(path, lambda file: np.savez(file, made=np.array(MADE), **fields))
    assert count_samples(path) == 2
    loaded, made = load_shard(path, GAME)
    assert made == MADE
    expected = samples._replace(
        actions=np.array([[0, 1, 2], [8, -1, -1]], np.int8),
        policy=np.array([[0.5, 0, 0.5], [1, 0, 0]], np.float32),
        reply_actions=np.array([[-1, -1], [1, 4]], np.int8),
        reply=np.array([[0, 0], [0.75, 0.25]], np.float32),
    )
    assert_same(loaded, expected)
    with pytest.raises(ValueError, match="positions of another game"):
        load_shard(path, Connect4())


def rewritten(path: Path, **fields: Any) -> None:
    """The file with other fields, and a seal that fits them."""
    with np.load(io.BytesIO(read_sealed(path))) as file:
        held = {name: file[name] for name in file.files}
    write_sealed(path, lambda out: np.savez(out, **(held | fields)))


def test_a_later_format_says_both_numbers(path: Path) -> None:
    rewritten(path, format=np.array(3))
    with pytest.raises(ValueError, match="has replay format 3, this version reads up to 2"):
        load_shard(path, GAME)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("targets_actions", np.full((20, 9), 9, np.int8)),
        ("targets_actions", np.full((20, 9), -2, np.int8)),
        ("targets_reply_actions", np.full((20, 9), 99, np.int8)),
        ("targets_policy", np.zeros((20, 10), np.float32)),
        ("targets_value", np.zeros((19, 3), np.float32)),
        ("format", np.zeros(2, np.int64)),
    ],
)
def test_what_would_be_read_past_the_end_is_refused(path: Path, name: str, value: Any) -> None:
    rewritten(path, **{name: value})
    with pytest.raises(DamagedError, match=r"1\.npz is missing or damaged"):
        load_shard(path, GAME)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("num_actions", np.array(10)),
        ("targets_actions", np.zeros((20, 9), np.int16)),
        ("targets_obs_planes", np.zeros((20, 2, 6, 7), np.float32)),
        ("targets_more", np.zeros(20, np.float32)),
    ],
)
def test_samples_of_another_game_are_refused(path: Path, name: str, value: Any) -> None:
    rewritten(path, **{name: value})
    with pytest.raises(ValueError, match="positions of another game"):
        load_shard(path, GAME)


def test_every_flipped_bit_of_samples_is_noticed(path: Path) -> None:
    whole, rng = path.read_bytes(), np.random.default_rng(3)
    for place in rng.integers(len(whole), size=200):
        content = bytearray(whole)
        content[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"1\.npz is missing or damaged"):
            load_shard(path, GAME)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.95])
def test_damaged_samples_are_refused(path: Path, share: float) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    for read in (lambda: load_shard(path, GAME), lambda: count_samples(path)):
        with pytest.raises(ValueError, match=r"1\.npz is missing or damaged"):
            read()


def test_samples_with_pickles_inside_are_refused(tmp_path: Path) -> None:
    path, trap = tmp_path / "1.npz", tmp_path / "sprung"
    np.savez(path, **{f"field{i}": np.array([Trap(trap)], object) for i in range(8)})
    with pytest.raises(ValueError, match="missing or damaged"):
        load_shard(path, GAME)
    assert not trap.exists()
