"""Lists of actions, by hand, and a game of many actions of which few are legal."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from reference import assert_same_arrays, wide

from envs.toys import ToyObs
from selfplay import arrays
from selfplay.learning.replay import Replay, ReplaySection
from selfplay.learning.samples import joined, listed, of_listed, targets, trimmed
from selfplay.types import Targets

LEGAL = np.array([[False, True, True], [False, False, False], [True, False, False]])
MANY, FEW = 5000, 30


def test_lists_by_hand() -> None:
    actions = listed(LEGAL)
    assert actions.tolist() == [[1, 2], [-1, -1], [0, -1]]
    assert listed(LEGAL, least=3).tolist() == [[1, 2, -1], [-1, -1, -1], [0, -1, -1]]
    policy = np.array([[9, 0.25, 0.75], [9, 9, 9], [1, 9, 9]], np.float32)
    assert of_listed(policy, actions).tolist() == [[0.25, 0.75], [0, 0], [1, 0]]


@pytest.mark.parametrize(("count", "size"), [(128, 1), (129, 2), (1 << 15, 2), ((1 << 15) + 1, 4)])
def test_actions_take_as_few_bytes_as_they_can(count: int, size: int) -> None:
    legal = np.zeros((1, count), np.bool_)
    legal[0, -1] = True
    actions = listed(legal)
    assert (actions.tolist(), actions.itemsize) == ([[count - 1]], size)


def sparse(first: int, count: int, few: int = FEW) -> Targets:
    """Numbered positions; ``few`` of the 5,000 actions are legal, and after a move others."""
    rng = np.random.default_rng(first)
    number = np.arange(first, first + count, dtype=np.float32)
    legal, after = np.zeros((2, count, MANY), np.bool_)
    for mask in (legal, after):
        places = rng.integers(MANY, size=(count, 1)) + 7 * np.arange(few)
        np.put_along_axis(mask, places % MANY, True, 1)
    chances = np.full((count, MANY), 1 / few, np.float32)
    value = np.tile(np.float32([1, 0, 0]), (count, 1))
    samples = targets(ToyObs(number[:, None]), legal, chances, value)
    actions = listed(after)
    return samples._replace(reply_actions=actions, reply=of_listed(chances, actions))


def test_joined_they_are_as_long_as_the_longest() -> None:
    parts = [sparse(0, 3, few=2), sparse(3, 2, few=5), sparse(5, 1, few=1)]
    whole = joined(parts)
    assert whole.actions.shape == whole.reply.shape == (6, 5)
    for name in ("actions", "policy", "reply_actions", "reply"):
        fill = -1 if name.endswith("actions") else 0
        assert (getattr(whole, name)[:3, 2:] == fill).all()
        np.testing.assert_array_equal(getattr(whole, name)[:3, :2], getattr(parts[0], name))
    assert trimmed(arrays.take(whole, slice(0, 3))).actions.shape == (3, 2)


def test_the_window_widens_when_a_longer_list_comes() -> None:
    replay = Replay(ReplaySection(window=8, capacity=8, merge="none"), MANY)
    parts = [sparse(0, 3, few=2), sparse(3, 2, few=5), sparse(5, 6, few=1)]
    for part in parts:
        replay.add(part)
    latest = arrays.take(joined(parts), slice(3, None))
    assert_same_arrays(replay.recent(8), latest)


def test_a_game_of_many_actions_fills_no_memory() -> None:
    """Of 5,000 actions 30 are legal: 200 kB of probabilities a thousand positions, not 40 MB."""
    replay = Replay(ReplaySection(), MANY)
    for first in range(0, 2000, 500):
        replay.add(sparse(first, 500))
    window, count = replay.window()
    assert count == len(window) == 2000
    lists = FEW * (2 + 4)  # bytes
    for samples in (window.take(np.arange(2000)), replay.recent(2000)):
        assert arrays.bytes_of(samples) == 2000 * (2 * lists + 4 + 12 + 8)


def merged(samples: Targets, merge: Literal["log", "sum"]) -> Targets:
    replay = Replay(ReplaySection(merge=merge), MANY)
    replay.add(samples)
    window, _ = replay.window()
    return window.take(np.arange(len(window)))


def test_merged_replies_hold_what_any_of_them_named() -> None:
    """Three of one position, weights 1, 2 and 1, and one of another."""
    samples = sparse(0, 4, few=2)._replace(
        obs=ToyObs(np.float32([[7], [7], [7], [8]])),
        actions=np.int16([[3, 9]] * 4),
        reply_actions=np.int16([[40, 60], [60, 4999], [-1, -1], [0, -1]]),
        reply=np.float32([[0.5, 0.5], [0.25, 0.75], [0, 0], [1, 0]]),
        value_weight=np.float32([1, 2, 1, 1]),
    )
    both = merged(samples, "sum")
    order = np.argsort(both.obs.features[:, 0])
    reply = wide(both.reply_actions, both.reply, MANY)[order]
    expected = np.zeros((2, MANY))
    expected[0, [40, 60, 4999]] = 0.125, 0.25, 0.375
    expected[1, 0] = 1
    np.testing.assert_allclose(reply, expected, atol=1e-7)
    assert both.reply_actions.shape == (2, 3)


def test_of_very_many_replies_the_likeliest_are_kept() -> None:
    """200 samples of one position, each followed by another: those of weight 2 remain."""
    samples = sparse(0, 200, few=1)._replace(
        obs=ToyObs(np.zeros((200, 1), np.float32)),
        actions=np.zeros((200, 1), np.int16),
        reply_actions=np.arange(200, dtype=np.int16)[:, None],
        value_weight=np.where(np.arange(200) % 2 == 0, 2, 1).astype(np.float32),
    )
    (actions,) = merged(samples, "log").reply_actions.tolist()
    assert len(set(actions)) == 128
    assert set(range(0, 200, 2)) <= set(actions)
