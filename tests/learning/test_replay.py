"""Replay: the window's growth by hand, the ring, equal positions merged with means by hand."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from reference import assert_same_arrays, wide

from envs.connect4 import Connect4
from envs.toys import ToyObs
from selfplay import arrays
from selfplay.learning.replay import Replay, ReplaySection
from selfplay.learning.samples import blank_targets, targets
from selfplay.types import Targets


def numbered(first: int, count: int) -> Targets:
    """Samples that carry their number in the observation."""
    number = np.arange(first, first + count, dtype=np.float32)
    return targets(
        ToyObs(number[:, None]),
        np.ones((count, 2), np.bool_),
        policy=np.tile(np.array([0.25, 0.75], np.float32), (count, 1)),
        value=np.tile(np.array([1, 0, 0], np.float32), (count, 1)),
    )


def window_of(replay: Replay) -> tuple[Targets, int]:
    """All of the window at once."""
    window, count = replay.window()
    return window.take(np.arange(len(window))), count


def numbers(samples: Targets) -> list[int]:
    return samples.obs.features[:, 0].astype(int).tolist()


BY_HAND = ReplaySection(window=100, exponent=0.5, growth=0.5, capacity=350)
SMALL = ReplaySection(window=1000, capacity=50)


@pytest.mark.parametrize(
    ("section", "total", "size"),
    [
        (BY_HAND, 0, 0),
        (BY_HAND, 99, 99),
        (BY_HAND, 100, 100),
        (BY_HAND, 400, 200),  # lag ((400 / 100)^0.5 - 1) / 0.5 = 2, so 100 * (1 + 0.5 * 2)
        (BY_HAND, 900, 300),
        (BY_HAND, 1600, 350),  # would be 400: the capacity holds it back
        (BY_HAND, 10**9, 350),
        (SMALL, 40, 40),  # all until it lags
        (SMALL, 60, 50),
    ],
)
def test_window_grows_as_by_hand(section: ReplaySection, total: int, size: int) -> None:
    assert section.size(total) == size


def test_ring_keeps_the_latest_in_order() -> None:
    replay = Replay(ReplaySection(window=10, capacity=10, merge="none"), 2)
    first = 0
    for count in (4, 5, 3, 1, 8, 10, 23, 2):
        replay.add(numbered(first, count))
        first += count
        latest = list(range(max(0, first - 10), first))
        assert numbers(replay.recent(10)) == latest
        assert numbers(replay.recent(3)) == latest[-3:]
        assert replay.total == first
        assert arrays.length(replay._ring) <= 10


def test_ring_grows_in_steps_up_to_its_capacity() -> None:
    replay = Replay(ReplaySection(window=20_000, capacity=20_000, merge="none"), 2)
    rooms = []
    for first in range(0, 30_000, 1000):
        replay.add(numbered(first, 1000))
        rooms.append(arrays.length(replay._ring))
    assert rooms[0] == 4096
    assert max(rooms) == rooms[-1] == 20_000
    assert len(set(rooms)) <= 6  # each growth copies all: seldom
    assert numbers(replay.recent(20_000)) == list(range(10_000, 30_000))


def test_window_is_the_recent_part() -> None:
    section = ReplaySection(window=100, exponent=0.5, growth=0.5, capacity=1000, merge="none")
    replay = Replay(section, 2)
    with pytest.raises(ValueError, match="empty"):
        replay.recent(1)
    replay.add(numbered(0, 400))
    samples, count = window_of(replay)
    assert count == len(replay) == 200
    assert numbers(samples) == list(range(200, 400))


@pytest.mark.parametrize(
    ("merge", "policy_weight", "value_weight"),
    [("sum", [3.0, 1.0, 0.0], [4.0, 1.0, 1.0]), ("log", [2.0, 1.0, 0.0], [np.log2(5), 1.0, 1.0])],
)
def test_merges_equal_positions_into_means(
    merge: str, policy_weight: list[float], value_weight: list[float]
) -> None:
    samples = numbered(0, 6)._replace(
        obs=ToyObs(np.array([[7], [8], [7], [7], [9], [7]], np.float32)),
        policy=np.array(
            [[1, 0], [0.5, 0.5], [0, 1], [0.4, 0.6], [0.3, 0.7], [0.9, 0.1]], np.float32
        ),
        value=np.array(
            [[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1], [0, 0, 1], [0, 1, 0]], np.float32
        ),
        reply_actions=np.array([[0, -1], [1, -1], [0, 1], [-1, -1], [1, 0], [0, -1]], np.int8),
        reply=np.array([[1, 0], [1, 0], [0, 1], [0, 0], [0, 1], [1, 0]], np.float32),
        policy_weight=np.array([1, 1, 2, 0, 0, 0], np.float32),
        value_weight=np.array([1, 1, 1, 1, 1, 1], np.float32),
    )
    replay = Replay(ReplaySection(merge=merge), 2)
    replay.add(samples)
    merged, count = window_of(replay)
    assert count == 6
    order = np.argsort(numbers(merged))
    merged = arrays.take(merged, order)
    assert numbers(merged) == [7, 8, 9]
    np.testing.assert_allclose(
        merged.policy,
        [[1 / 3, 2 / 3], [0.5, 0.5], [0.3, 0.7]],  # of 7: (1 x [1, 0] + 2 x [0, 1]) / 3
        atol=1e-6,
    )
    np.testing.assert_allclose(merged.value, [[0.5, 0.25, 0.25], [0, 1, 0], [0, 0, 1]], atol=1e-6)
    reply = wide(merged.reply_actions, merged.reply, 2)
    np.testing.assert_allclose(reply, [[0.5, 0.25], [0, 1], [1, 0]], atol=1e-6)
    np.testing.assert_allclose(merged.policy_weight, policy_weight, atol=1e-6)
    np.testing.assert_allclose(merged.value_weight, value_weight, atol=1e-6)


def merged_by_hand(samples: Targets, actions: int, merge: str) -> Iterator[list[bytes]]:
    """The fields of each sample of a window, made from nothing, one number at a time."""
    mask = np.zeros((arrays.length(samples), actions), np.bool_)
    for row, legal in enumerate(samples.actions):
        mask[row, legal[legal >= 0]] = True
    keys = arrays.hash_rows((samples.obs, mask))[:, 0]
    for key in sorted(set(keys.tolist())):
        rows = [row for row in range(len(keys)) if keys[row] == key]

        def mean(values: np.ndarray, weights: np.ndarray, rows: list[int] = rows) -> np.ndarray:
            total = np.zeros(values.shape[1])
            for row in rows:
                total += values[row] * weights[row]
            mass = sum(float(weights[row]) for row in rows)
            return (total / max(mass, 1e-30)).astype(np.float32)

        weights = np.array([sum(float(w[row]) for row in rows) for w in (samples[6], samples[7])])
        policy = mean(samples.policy, samples.policy_weight)
        if not weights[0]:
            policy = samples.policy[rows[0]]
        reply = mean(wide(samples.reply_actions, samples.reply, actions), samples.value_weight)
        weights = weights if merge == "sum" else np.log2(1 + weights)
        value = mean(samples.value, samples.value_weight)
        told = samples.obs.features[rows[0]], samples.actions[rows[0]], policy, value, reply
        yield [each.tobytes() for each in (*told, weights.astype(np.float32))]


def random_samples(rng: np.random.Generator, count: int, kinds: int) -> Targets:
    """Samples of ``kinds`` positions of a game of 9 actions, each with two sets of legal ones."""
    kind = rng.integers(kinds, size=count)
    actions, replies = (np.argsort(rng.random((count, 9)))[:, :k].astype(np.int8) for k in (3, 4))
    actions[:, 0] = kind % 4
    actions[:, 1:] = np.where(rng.random((count, 1)) < 0.2, [[5, 6]], [[7, -1]])
    replies[np.arange(4) >= rng.integers(5, size=(count, 1))] = -1
    chances = rng.random((count, 7), np.float32) ** 9
    return Targets(
        ToyObs(kind[:, None].astype(np.float32)),
        actions,
        chances[:, :3] * (actions >= 0),
        rng.random((count, 3), np.float32),
        replies,
        chances[:, 3:] * (replies >= 0),
        (rng.random(count, np.float32) * (rng.random(count) < 0.7)).astype(np.float32),
        rng.random(count, np.float32),
    )


@pytest.mark.parametrize("seed", range(5))
def test_a_window_that_slides_is_merged_as_if_anew(seed: int) -> None:
    """To the bit, whatever came before: duplicates, what has left, growth, a resumed run."""
    rng = np.random.default_rng(seed)
    merge = "log" if seed % 2 else "sum"
    section = ReplaySection(
        window=int(rng.integers(20, 200)),
        exponent=float(rng.choice([0.5, 1])),
        growth=float(rng.choice([0.4, 1])),  # with exponent 1 nothing ever leaves
        capacity=int(rng.integers(50, 300)),
        merge=merge,
    )
    replay = Replay(section, 9)
    made: list[Targets] = []
    for count in (40, 0, 7, 90, 1, 350, 30, 30, 5, 60):
        made.append(random_samples(rng, count, int(rng.choice([3, 30, 1000]))))
        replay.add(made[-1])
        if rng.random() < 0.2:  # nobody looks
            continue
        held = arrays.concatenate(made)
        held = arrays.take(held, slice(arrays.length(held) - len(replay), None))
        if rng.random() < 0.2:
            total, replay = replay.total, Replay(section, 9)
            replay.restore(
                [arrays.take(held, slice(0, 9)), arrays.take(held, slice(9, None))], total
            )
        expected = list(merged_by_hand(held, 9, merge))
        window, raw = replay.window()
        assert (len(window), raw) == (len(expected), arrays.length(held))
        some = rng.permutation(len(window))
        for rows in (some[:5], some, some[::-1]):  # before and after all were made at once
            got = window.take(rows)
            reply = wide(got.reply_actions, got.reply, 9)
            weights = np.stack([got.policy_weight, got.value_weight], 1)
            fields = got.obs.features, got.actions, got.policy, got.value, reply, weights
            for i, row in enumerate(rows):
                assert [field[i].tobytes() for field in fields] == expected[row]


def test_no_merging_leaves_all_as_it_came() -> None:
    replay = Replay(ReplaySection(merge="none"), 2)
    samples = numbered(0, 5)._replace(obs=ToyObs(np.zeros((5, 1), np.float32)))
    replay.add(samples)
    window, count = window_of(replay)
    assert count == 5
    assert_same_arrays(window, samples)


@pytest.mark.parametrize("total", [30, 170, 1234])
def test_restored_from_parts_it_goes_on_the_same(total: int) -> None:
    section = ReplaySection(window=40, exponent=0.5, capacity=100)
    straight, restored = Replay(section, 2), Replay(section, 2)
    straight.add(numbered(0, total))
    held = len(straight)
    first = total - held
    restored.restore(
        [numbered(first, held // 3), numbered(first + held // 3, held - held // 3)], total
    )
    for more in (0, 7, 60):
        straight.add(numbered(straight.total, more))
        restored.add(numbered(restored.total, more))
        assert restored.total == straight.total
        assert numbers(window_of(restored)[0]) == numbers(window_of(straight)[0])


def test_blank_targets_have_the_shapes_of_the_game() -> None:
    example = blank_targets(Connect4())
    assert arrays.length(example) == 0
    assert example.obs.planes.shape[1:] == (2, 6, 7)
    shapes = [field.shape[1:] for field in example[1:]]
    assert shapes == [(7,), (7,), (3,), (0,), (0,), (), ()]  # no replies are known
