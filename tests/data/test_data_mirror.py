"""What was played in the mirror becomes rallies, and is learned."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from imported import Taken
from tiny_runs import TINY

from envs import pong
from envs.rally import STEPS, Rally, seen_first
from selfplay.arrays import take, tree_map
from selfplay.config import parse_config
from selfplay.data.dataset import Dataset, open_data
from selfplay.data.manifest import Source
from selfplay.data.readers.mirror import Played, import_mirror, read_played, write_played
from selfplay.data.writer import Writer
from selfplay.lines.games import Games, first_rows
from selfplay.mirror.duel import Duel
from selfplay.mirror.relevance import HOLD, relevance
from selfplay.mirror.styles import STYLES
from selfplay.nets.evaluator import NetEvaluator
from selfplay.regimes.imitation import ExpertStock
from selfplay.training.folder import RunFolder
from selfplay.training.run import Training
from selfplay.verbs.cli import main
from selfplay.verbs.mirror import STYLES as NAMED

GAME = Rally()


@pytest.fixture(scope="module")
def duel() -> Duel:
    """After four minutes of a scripted player."""
    duel = Duel("relevance", seed=3)
    duel.watch("early", 4)
    return duel


@pytest.fixture(scope="module")
def file(duel: Duel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return duel.save(tmp_path_factory.mktemp("mirror"))[0]


@pytest.fixture(scope="module")
def data(file: Path) -> Dataset:
    folder = file.parent / "data"
    assert main(["data", "mirror", str(file), "--out", str(folder)]) == 0
    return open_data(folder, GAME)


def imported(path: Path, **options: Any) -> Games:
    taken = Taken()
    import_mirror([path], GAME, taken.add, **options)
    (games,) = taken.parts
    return games


def test_every_rally_is_there_as_it_was_played(duel: Duel, file: Path) -> None:
    """Each leads, move by move, to the next position; it ends with its point, or after STEPS."""
    games, played = imported(file), duel.played()
    assert games.ply is not None
    assert games.stakes is not None
    rows = np.flatnonzero(np.diff(games.game) == 0)
    here, then = take(games.state, rows), take(games.state, rows + 1)
    between, _ = GAME.step(here, games.action[rows].astype(np.int32))
    np.testing.assert_array_equal(between.paddle[:, 0], then.paddle[:, 0])
    answer = np.array([0, 1, 2])[then.paddle[:, 1] - here.paddle[:, 1]]
    after, paid = GAME.step(between, answer.astype(np.int32))
    assert (paid.discount == -1).mean() > 0.99  # f32: at the paddle itself it may be a step early
    np.testing.assert_allclose(
        after.ball[paid.discount == -1, 1], then.ball[paid.discount == -1, 1], atol=1e-5
    )
    first = first_rows(games.game)
    lengths = np.diff(first, append=len(games.game))
    outcome = games.outcome[first]
    assert (lengths[outcome == 0] == STEPS).all()
    assert (lengths <= STEPS).all()
    misses = (np.diff((played.obs[:, 0] == 0).astype(int)) == 1).sum()
    assert (outcome != 0).sum() == misses >= 10
    left_out = len(played.action) - len(games.action)
    assert 0 <= left_out < STEPS
    np.testing.assert_array_equal(games.stakes, played.relevance[: len(games.action)])
    np.testing.assert_array_equal(games.action, played.action[: len(games.action)])


def test_who_missed_the_ball_has_lost(file: Path) -> None:
    games = imported(file)
    last = np.append(first_rows(games.game)[1:], len(games.game)) - 1
    ball, paddle = games.state.ball[last], games.state.paddle[last]
    gone = np.abs(ball[:, 0]) > 1.45
    assert (games.outcome[last][gone & (ball[:, 2] < 0)] <= 0).all()
    lost = games.outcome[last] == -1
    assert (ball[lost, 2] < 0).all()
    assert (ball[games.outcome[last] == 1, 2] > 0).all()
    far = np.abs(ball[lost, 1] + ball[lost, 3] - pong.STRIDE * paddle[lost, 0])
    assert (far > pong.HALF - pong.STRIDE).all()


def test_the_oldest_of_more_than_is_remembered_comes_first() -> None:
    duel = Duel("alike", seed=0)
    known = duel._known
    known.counts[0] = len(known.action) + 5
    known.action[:5], known.action[5] = 1, 2
    assert duel.played().action[:1].tolist() == [2]
    assert duel.played().action[-5:].tolist() == [1] * 5


def test_files_that_are_damaged_or_no_game_are_refused_in_a_sentence(
    duel: Duel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    played = tree_map(lambda column: column[:3000].copy(), duel.played())
    rng = np.random.default_rng(0)
    mixed = rng.permutation(3000)
    whole = tmp_path / "whole.npz"
    write_played(whole, played)
    write_played(tmp_path / "mixed.npz", tree_map(lambda column: column[mixed], played))
    write_played(tmp_path / "short.npz", tree_map(lambda column: column[:40], played))
    (tmp_path / "cut.npz").write_bytes(whole.read_bytes()[:-200])
    for name, sentence in (
        ("mixed", "steps are followed by one that the rules of Pong do not lead to (--skip-b"),
        ("short", "there is no whole rally (somebody has to miss a ball)"),
        ("cut", "is no file that 'selfplay mirror' saved"),
    ):
        path, out = tmp_path / f"{name}.npz", tmp_path / "out"
        assert main(["data", "mirror", str(path), "--out", str(out)]) == 1
        told = capsys.readouterr().err
        assert sentence in told
        assert "Traceback" not in told
        assert not (out / "manifest.json").exists()
    taken = Taken()
    notes = import_mirror([tmp_path], GAME, taken.add, skip_broken=True).notes
    assert sum(note.startswith("left out:") for note in notes) == 2
    for _ in range(60):  # bytes of a stranger's
        content = bytearray(whole.read_bytes())
        for at in rng.integers(0, len(content), 4).tolist():
            content[at] = int(rng.integers(256))
        (tmp_path / "random.npz").write_bytes(content)
        with contextlib.suppress(ValueError):
            read_played(tmp_path / "random.npz")
    with pytest.raises(ValueError, match="saves is pong; you asked for tictactoe"):
        import_mirror([whole], parse_config(TINY).rules(), taken.add)


def test_saves_that_overlap_are_taken_once(
    duel: Duel, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One begins within the third rally of the other, and is its end; a third is a copy."""
    played, whole = duel.played(), imported(file)
    third = first_rows(whole.game)[2] + 20
    write_played(tmp_path / "a.npz", played)
    write_played(tmp_path / "b.npz", tree_map(lambda column: column[third:], played))
    write_played(tmp_path / "c.npz", played)
    assert main(["data", "mirror", str(tmp_path), "--out", str(tmp_path / "data")]) == 0
    told = capsys.readouterr().out
    games = int(whole.game.max()) + 1
    again = games - 2 + games
    assert f"{again} rallies were there already, as where saves overlap, and are left out" in told
    counts = open_data(tmp_path / "data", GAME).manifest.counts["all"]
    assert (counts.games, counts.positions) == (games, len(whole.action))


def test_no_game_is_drawn_to_validate_with_among_few(
    duel: Duel, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_played(tmp_path / "few.npz", tree_map(lambda column: column[:1500], duel.played()))
    words = ["data", "mirror", str(tmp_path / "few.npz"), "--out", str(tmp_path / "data")]
    assert main(words) == 0
    told = capsys.readouterr().out
    assert "no games are left for validation: one in 20 is drawn for it, and of these" in told
    assert "--" not in told.partition("validation: ")[2].partition("\n")[0]


def test_who_has_no_data_set_is_told_how_it_is_made(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no data set") as error:
        open_data(tmp_path / "pong", GAME)
    made = re.findall(r"'(selfplay [^']*)'", str(error.value))
    assert [shlex.split(command)[1:3] for command in made] == [
        ["mirror", "--player"],
        ["data", "mirror"],
    ]
    assert made[1].endswith(f"--out {shlex.quote(str(tmp_path / 'pong'))}")
    recipe = (Path(__file__).parents[2] / "configs" / "pong_imitation.toml").read_text()
    assert f"#   {made[0]}\n#   {made[1].partition(' --out')[0]} " in recipe
    with pytest.raises(ValueError, match="'selfplay data EXPERT tictactoe --out "):
        open_data(tmp_path / "none", parse_config(TINY).rules())


def config(data: Path, positions: int, **regime: Any) -> dict[str, Any]:
    of_data = {"kind": "imitation", "data": str(data), "positions": 2048, **regime}
    return {**TINY, "game": "pong", "regime": of_data, "budget": {"positions": positions}}


def test_what_is_at_stake_weighs(data: Dataset, tmp_path: Path) -> None:
    plain = config(data.path, 1000, weigh="stakes", least_weight=0.05)
    stock = Training(RunFolder(tmp_path), parse_config(plain)).loop._stock
    assert isinstance(stock, ExpertStock)
    rows = np.arange(len(stock))
    told = data.take(stock._rows).stakes
    np.testing.assert_allclose(stock.samples(rows).policy_weight, 0.05 + 0.95 * told, rtol=1e-6)
    assert told.min() == 0
    assert told.max() > 0.9


def test_a_scripted_player_is_learned(tmp_path: Path) -> None:
    """Who follows the ball is foretold nine times of ten, in rallies that were kept aside."""
    rng, state = np.random.default_rng(5), pong.start(np.random.default_rng(5), 1)
    obs, action = np.empty((10_000, 6), np.float32), np.empty(10_000, np.int8)
    matters = np.empty(10_000, np.float32)
    for step in range(len(obs)):
        obs[step] = pong.observe(state, 0)[0]
        action[step] = pong.follow(obs[step])
        matters[step] = relevance(*state.ball[0], int(state.paddle[0, 0]), HOLD)
        both = np.array([[action[step], rng.integers(3)]], np.int32)
        state, _ = pong.step(state, both)
    write_played(tmp_path / "follow.npz", Played(obs, action, matters, obs[:, 2] < 0))
    words = ["data", "mirror", str(tmp_path / "follow.npz"), "--out", str(tmp_path / "data")]
    assert main(words) == 0
    plain = config(tmp_path / "data", 307_200, weigh="stakes", least_weight=0.05)
    outcome = Training(RunFolder(tmp_path / "run"), parse_config(plain)).run()
    assert np.bincount(action).max() / len(action) < 0.7
    assert outcome.scalars["validation/accuracy"] > 0.9
    assert outcome.scalars["validation/stakes_accuracy"] > 0.9


def test_weighted_by_stakes_something_else_is_learned(tmp_path: Path) -> None:
    """Of one position: up by a few to whom it matters, stay by the many to whom it does not."""
    count = 600
    matters = np.arange(count) % 10 < 3
    seen = np.tile(pong.observe(pong.start(np.random.default_rng(0), 1), 0), (count, 1))
    seen[:, 1] = np.linspace(-0.5, 0.5, count)  # so that none is another
    games = Games(
        state=seen_first(seen, np.zeros(count, np.int32)),
        action=matters.astype(np.int16),
        outcome=np.zeros(count, np.float32),
        game=np.arange(count, dtype=np.int32),
        stakes=np.where(matters, 0.9, 0.1).astype(np.float32),
    )
    writer = Writer(tmp_path / "data", "pong", GAME)
    writer.add(games)
    writer.close(Source("many"))
    favourites = {}
    for weigh in ("positions", "stakes"):
        plain = config(tmp_path / "data", 10_240, weigh=weigh)
        training = Training(RunFolder(tmp_path / weigh), parse_config(plain))
        training.run()
        logits = NetEvaluator(
            training.loop.parts.learner.net, 3, "cpu", torch.float32, cache_size=0
        )(GAME, games.state).logits
        favourites[weigh] = np.bincount(logits.argmax(1), minlength=3).tolist()
    assert favourites == {"positions": [count, 0, 0], "stakes": [0, count, 0]}


def test_stakes_that_are_none_are_damage(data: Dataset, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(data.path, tmp_path / "data"))
    file = folder / "00000" / "stakes.npy"
    column = np.load(file)
    column[7] = 1.5
    np.save(file, column)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["shards"][0]["sha256"]["stakes.npy"] = hashlib.sha256(file.read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ValueError, match=r"row 7 holds 1\.5, which is no stakes of pong"):
        open_data(folder, GAME)


def test_the_scripted_players_can_be_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tuple(STYLES) == NAMED
    words = ["mirror", "--player", "early", "--minutes", "1", "--seed", "2"]
    assert main([*words, "--out", str(tmp_path)]) == 0
    assert "1 minutes of the player early, 3,600 steps" in capsys.readouterr().out
    (file,) = tmp_path.iterdir()
    played = read_played(file)
    assert isinstance(played, Played)
    duel = Duel("relevance", seed=2)
    duel.watch("early", 1)
    np.testing.assert_array_equal(played.obs, duel.played().obs)
    assert main(["mirror", "--minutes", "3"]) == 1
    assert (
        "--minutes means nothing to 'selfplay mirror' without --player" in capsys.readouterr().err
    )
