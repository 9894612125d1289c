"""The counts of a run: ages and different positions, by hand and against the positions kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from reference import reach
from tiny_runs import FORWARD, GAME, TWO_LAYERS, train_tiny
from torch.utils.flop_counter import FlopCounterMode

from envs.connect4 import Connect4
from selfplay.config import parse_config
from selfplay.learning import checkpoint
from selfplay.learning.learner import Learner
from selfplay.learning.samples import blank_targets, joined
from selfplay.learning.shards import load_shard
from selfplay.lines.keys import canonical_obs_keys
from selfplay.regimes import ledger as ledgers
from selfplay.regimes.ledger import Ledger
from selfplay.training.folder import RunFolder
from selfplay.training.metrics_file import read_metrics


def keys(*values: int) -> np.ndarray:
    return np.array(values, np.uint64)


def test_ages_worked_by_hand() -> None:
    ledger = Ledger()
    for made, window, expected in (
        (10, 10, 0.0),
        (20, 30, (20 * 0 + 10 * 1) / 30),
        (30, 45, (30 * 0 + 15 * 1) / 45),  # the oldest 10, and 5 more, have left the window
        (10, 52, (10 * 0 + 30 * 1 + 12 * 2) / 52),
        (60, 50, 0.0),
    ):
        ledger.note(made, keys(), window)
        assert ledger.staleness(window) == pytest.approx(expected)
    assert ledger.positions == 130
    assert ledger.made == [60]  # no more is kept than the window needs


def test_a_ledger_comes_back_as_it_was(tmp_path: Path) -> None:
    ledger = Ledger()
    ledger.note(3, keys(5, 6, 5), 100)
    checkpoint.save(tmp_path / "x.pt", {"net": {}, "ledger": ledger.state_dict()})
    again = Ledger(**checkpoint.load(tmp_path / "x.pt")["ledger"])
    assert again == ledger
    for each in (ledger, again):
        each.note(2, keys(6, 7), 100)
        assert (each.unique(), each.staleness(5)) == (3, pytest.approx(3 / 5))


def seen_by(ledger: Ledger, keys: np.ndarray) -> int:
    ledger.note(len(keys), keys, 1)
    return ledger.unique()


def test_few_are_counted_exactly() -> None:
    all_keys, ledger = np.arange(10_000, dtype=np.uint64), Ledger()
    assert seen_by(ledger, all_keys[:0]) == 0
    assert seen_by(ledger, all_keys[:6_000]) == 6_000
    assert seen_by(ledger, np.repeat(all_keys[4_000:], 3)) == 10_000
    assert seen_by(ledger, all_keys[::-1].copy()) == 10_000


@pytest.mark.parametrize("shape", ["in a row", "minima"])
def test_many_are_counted_nearly_in_bounded_memory(
    shape: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledgers, "KEPT", 1 << 14)
    many = np.arange(1, 400_001, dtype=np.uint64)
    if shape == "minima":  # as canonical keys are: crowded towards 0
        many = np.random.default_rng(0).integers(2**63, size=(4, 400_000), dtype=np.uint64).min(0)
    ledger, counts = Ledger(), []
    for part in np.split(many, 10):
        seen_by(ledger, part)
        counts.append(seen_by(ledger, many[:1000]))
    assert len(ledger.seen) == 1 << 14
    true = 40_000 * np.arange(1, 11)
    np.testing.assert_allclose(counts, true, rtol=4 / np.sqrt(1 << 14))  # four standard errors
    other = Ledger()
    seen_by(other, many[::-1].copy())
    np.testing.assert_array_equal(other.seen, ledger.seen)  # the order does not matter


def test_a_position_and_its_mirror_image_count_once() -> None:
    game, ledger = Connect4(), Ledger()
    for line, expected in (("12", 1), ("76", 1), ("4", 2), ("21", 3), ("67", 3), ("12", 3)):
        positions = canonical_obs_keys(game, game.observe(reach(game, line)))
        assert seen_by(ledger, positions) == expected


def test_a_run_counts_the_different_positions_it_made(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    train_tiny(
        folder.path,
        net=TWO_LAYERS,
        search={"simulations": 2},
        actor={"games": 16},
        regime={"kind": "selfplay", "positions": 100},
        replay={"window": 150},
        budget={"positions": 500},
    )
    made = joined([load_shard(path, GAME)[0] for path in folder.shards()])
    boards = made.obs.planes
    assert len(boards) >= 500
    images = [
        np.rot90(side, turns, (2, 3)) for side in (boards, boards[..., ::-1]) for turns in range(4)
    ]
    different = {min(image[i].tobytes() for image in images) for i in range(len(boards))}
    learned = [line for line in read_metrics(folder.path) if line["phase"] == "learn"]
    last = learned[-1]
    assert last["cost/positions_unique"] == len(different)
    assert last["cost/effective_epochs"] == last["cost/samples"] / len(different)
    steps = [0, *(line["step"] for line in learned)]
    ages = []
    for i, line in enumerate(learned):
        positions = np.arange(steps[i + 1])
        born = np.searchsorted(steps[1:], positions, side="right")
        ages.append((i - born[-int(line["learn/window"]) :]).mean())
    assert [line["learn/staleness"] for line in learned] == pytest.approx(ages)
    assert ages[-1] > 0


def test_torch_counts_a_step_as_three_forwards() -> None:
    """But for the gradient of the first layer's input, which nobody asks for."""
    learner = Learner(
        parse_config({"game": "tictactoe", "net": TWO_LAYERS}).net.build(GAME),
        parse_config({}).learner.model_copy(update={"batch": 64}),
        GAME, "cpu", autocast=False, seed=0,
    )  # fmt: skip
    samples = blank_targets(GAME, 64)
    with FlopCounterMode(display=False) as counter:
        learner.fit(samples, 5, 0.0)
    assert counter.get_total_flops() == 5 * 64 * (3 * FORWARD - 2 * 18 * 8)
