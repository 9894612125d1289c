"""A net learns from what another run played."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reference import assert_same_arrays
from tiny_runs import GAME, TINY

from envs.tictactoe import TicTacToe
from selfplay import arrays
from selfplay.config import parse_config
from selfplay.learning import shards
from selfplay.learning.samples import blank_targets, joined
from selfplay.lines.keys import canonical_obs_keys
from selfplay.regimes import frozen
from selfplay.regimes.epochs import EpochsLoop
from selfplay.training.folder import RunFolder
from selfplay.training.metrics_file import read_metrics
from selfplay.training.run import Outcome, Training
from selfplay.types import Targets


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


def stock_of(run: Path, folder: Path, seed: int = 0, **regime: Any) -> frozen.FrozenStock:
    """What a run learns from; nothing is learned."""
    plain = {"kind": "frozen", "run": str(run), **regime}
    config = parse_config({**TINY, "regime": plain, "seed": seed, "budget": {"positions": 1000}})
    loop = Training(RunFolder(folder), config).loop
    assert isinstance(loop, EpochsLoop)
    assert isinstance(loop._stock, frozen.FrozenStock)
    return loop._stock


def made_by(run: Path) -> Targets:
    return joined(frozen._shards(sorted(run.glob("replay/*.npz")), GAME))


def test_the_games_of_a_run_are_told_apart(selfplayed: Outcome) -> None:
    """As many as it played; in each the stones on the board become one more, move by move."""
    made = made_by(selfplayed.folder)
    game = frozen.games_of(made)
    assert len(game) == arrays.length(made)
    assert game[0] == 0
    assert set(np.diff(game).tolist()) == {0, 1}
    assert game[-1] + 1 == selfplayed.scalars["cost/games"]
    stones = made.obs.planes.reshape(len(game), -1).sum(axis=1).astype(int)
    assert (np.diff(stones)[np.diff(game) == 0] == 1).all()


def test_where_moves_were_not_searched_in_full_no_game_is_parted() -> None:
    """Games of three, two and three moves; replies are known of moves before such that were."""
    searched = np.array([1, 0, 1, 0, 1, 1, 1, 0], np.float32)
    replies = np.array([0, 1, 0, 1, 0, 1, 0, 0])
    made = blank_targets(GAME, 8)._replace(
        policy_weight=searched,
        reply_actions=np.where(replies, 4, -1).astype(np.int8)[:, None],
        reply=replies.astype(np.float32)[:, None],
    )
    # the second game begins with a move that was not searched in full: nothing tells it from the
    # first; the third begins with one that was
    assert frozen.games_of(made).tolist() == [0, 0, 0, 0, 0, 1, 1, 1]


def test_whole_games_are_held_out() -> None:
    game = np.repeat(np.arange(100), 7)
    held = frozen.held_out(game, 60)
    assert held.sum() == 8 * 7  # a ninth game would be too much
    assert all(len(set(held[game == g].tolist())) == 1 for g in range(100))
    assert frozen.held_out(game, 10_000).sum() == 10 * 7  # a tenth at most
    assert not frozen.held_out(game, 0).any()


def test_no_position_is_learned_and_held_out(selfplayed: Outcome, tmp_path: Path) -> None:
    """What is held out is the same for all seeds, and it is all that only its games have."""
    stocks = [stock_of(selfplayed.folder, tmp_path / "x", s, held_out=2000) for s in (0, 1)]
    asides = [stock.aside for stock in stocks]
    assert_same_arrays(*asides)
    aside = asides[0]
    assert aside is not None
    learned = set(stocks[0].keys(np.arange(len(stocks[0]))).tolist())
    held = set(canonical_obs_keys(GAME, aside.obs).tolist())
    assert not held & learned
    everything = set(canonical_obs_keys(GAME, made_by(selfplayed.folder).obs).tolist())
    assert held | learned == everything
    assert len(held) >= 5
    assert stocks[0].source()["held_out"] == arrays.length(aside)
    assert stock_of(selfplayed.folder, tmp_path / "x", held_out=0).aside is None


def test_so_many_are_drawn_anew_for_every_seed(selfplayed: Outcome, tmp_path: Path) -> None:
    def drawn(seed: int, unique: int = 300, **regime: Any) -> set[int]:
        stock = stock_of(selfplayed.folder, tmp_path / "x", seed, unique=unique, **regime)
        assert len(stock) == unique
        return set(arrays.hash_rows(stock.samples(np.arange(unique)).obs)[:, 0].tolist())

    assert drawn(1) != drawn(2)
    assert drawn(1, 100) < drawn(1)
    assert drawn(1, draw=5) == drawn(2, draw=5)
    with pytest.raises(ValueError, match="different positions that are not held out; regime"):
        drawn(1, 10_000)


SMALL = {**TINY, "game": "connect4?width=5&height=4&run=3"}


@pytest.fixture(scope="module")
def quarry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a game of which no two games are alike for long."""
    folder = tmp_path_factory.mktemp("runs") / "quarry"
    plain = {**SMALL, "regime": {"kind": "selfplay", "positions": 2048}}
    Training(RunFolder(folder), parse_config({**plain, "budget": {"positions": 16_000}})).run()
    return folder


def test_one_pass_and_many_tell_what_they_are_worth(quarry: Path, tmp_path: Path) -> None:
    """Of few positions learned again and again the held-out loss rises in the end, of all it does
    not; the loss is what is left above the entropy of the targets."""
    told = {}
    for unique in (None, 100):
        regime = {"kind": "frozen", "run": str(quarry), "positions": 512, "unique": unique}
        plain = {**SMALL, "regime": regime, "budget": {"positions": 30_000}}
        plain["strength"] = {**TINY["strength"], "per_decade": 6}
        folder = tmp_path / str(unique)
        Training(RunFolder(folder), parse_config(plain)).run()
        told[unique] = [line for line in read_metrics(folder) if "validation/policy_kl" in line]
    best = {of: min(line["validation/policy_kl"] for line in told[of]) for of in told}
    assert told[None][-1]["validation/policy_kl"] < 1.05 * best[None]
    assert told[100][-1]["validation/policy_kl"] > 1.2 * best[100]
    assert best[100] > 1.1 * best[None]
    entropies = {"policy": [], "value": []}
    for line in (*told[None], *told[100]):
        for part, found in entropies.items():
            loss, above = line[f"validation/{part}_loss"], line[f"validation/{part}_kl"]
            assert loss > above > 0
            found.append(loss - above)
    for found in entropies.values():  # of the targets, which are the same for all
        assert found == pytest.approx([found[0]] * len(found), abs=1e-4)
