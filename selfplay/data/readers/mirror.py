"""Pong as somebody played it: the files that ``selfplay mirror`` saves, and their rallies.

A file is an .npz of the columns of Played.  Steps that follow one another by the rules of Pong are
parted into rallies of ``envs/rally.py``, in which who played moves first; how much each step
matters becomes what is at stake.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs import pong
from envs.rally import STEPS, Rally, seen_first
from selfplay.arrays import read_arrays, take
from selfplay.data.readers.importer import Imported, files_of
from selfplay.lines.games import Games
from selfplay.types import Bool, Float, Game

_FORMAT = 1
_NEAR = 1e-5  # what f32 leaves of two numbers that are equal
_TINY = 1e-6  # of the court's length
_GAPS = 0.01  # of the steps, that may follow from none before: somebody began anew
_KINDS = {"obs": np.float32, "action": np.int8, "relevance": np.float32, "closing": np.bool_}


class Played(NamedTuple):
    """M steps that somebody played, as they are saved."""

    obs: Float  # [M, 6] f32, what the player saw, as if on the left (envs/pong.py)
    action: NDArray[np.int8]  # [M] 0 stay, 1 up, 2 down
    relevance: Float  # [M] f32 in [0, 1]
    closing: Bool  # [M] the ball came towards the player


def write_played(path: Path, played: Played) -> None:
    """Writes a file that is not there yet.  ValueError where nothing was played."""
    if not len(played.action):
        raise ValueError("nothing has been played yet")
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "xb") as file:
        np.savez_compressed(file, format=np.array(_FORMAT), **played._asdict())


def read_played(path: Path) -> Played:
    """What ``write_played`` wrote; no code in it is run.  ValueError where it is something else."""
    try:
        held = read_arrays(path)
        if int(held["format"]) != _FORMAT:
            raise ValueError(f"format {int(held['format'])}, this version reads {_FORMAT}")
        columns = {name: held[name] for name in _KINDS}
    except FileNotFoundError as error:
        raise ValueError(f"there is no file {path}") from error
    except Exception as error:  # a stranger's file makes numpy raise almost anything
        raise ValueError(f"{path} is no file that 'selfplay mirror' saved ({error})") from error
    steps = len(columns["action"]) if columns["action"].ndim else 0
    for name, kind in _KINDS.items():
        shape = (steps, 6) if name == "obs" else (steps,)
        if columns[name].dtype != kind or columns[name].shape != shape or not steps:
            raise ValueError(
                f"{path} is damaged: {name} is {columns[name].dtype} {columns[name].shape}"
            )
    played = Played(**columns)
    inside = np.abs(played.obs).max() <= 1 and 0 <= played.action.min() <= played.action.max() <= 2
    if not inside or not (played.relevance >= 0).all() or not (played.relevance <= 1).all():
        raise ValueError(f"{path} is damaged: it holds numbers that no game of Pong has")
    return played


def import_mirror(
    paths: Sequence[Path], game: Game, add: Callable[[Games], None], skip_broken: bool = False
) -> Imported:
    """Gives the rallies of the files, and of those in folders, to ``add``.

    Raises ValueError with a sentence for a file that is damaged, unless it may be skipped, and
    where there is no whole rally at all.
    """
    if not isinstance(game, Rally):
        raise ValueError(f"what 'selfplay mirror' saves is {Rally.name}; you asked for {game.name}")
    files = files_of(paths, (".npz",))
    count = steps = kept = equal = 0
    notes: list[str] = []
    ends = set[bytes]()
    for path in files:
        try:
            played = read_played(path)
            rallies = _rallies(played, path)
        except ValueError as error:
            if not skip_broken:
                raise ValueError(f"{error} (--skip-broken leaves out what is broken)") from error
            notes.append(f"left out: {error}")
            continue
        steps, kept = steps + len(played.action), kept + len(rallies.action)
        fresh, again = _once(rallies, ends)
        count, equal = count + int(fresh.game.max(initial=-1)) + 1, equal + again
        add(fresh)
    name = ", ".join(path.name or str(path) for path in paths)
    if not count:
        reason = notes[0] if notes else "somebody has to miss a ball"
        raise ValueError(f"{name}: there is no whole rally ({reason})")
    unfinished = f"{steps - kept:,} of {steps:,} steps are of rallies that were not finished"
    told = (
        [f"{equal:,} rallies were there already, as where saves overlap, and are left out"]
        if equal
        else []
    )
    return Imported(name, count, (unfinished, *told, *notes))


def _once(rallies: Games, ends: set[bytes]) -> tuple[Games, int]:
    """The rallies whose last step is not in ``ends``, to which it is added; the number of others.

    Saves overlap, and one that begins within a rally holds only the end of it.
    """
    last = np.flatnonzero(np.diff(rallies.game, append=-1))
    columns = rallies.state.ball[last], rallies.state.paddle[last], rallies.action[last]
    fresh = np.ones(len(last), np.bool_)
    for i, step in enumerate(zip(*columns, strict=True)):
        end = b"".join(part.tobytes() for part in step)
        fresh[i] = end not in ends
        ends.add(end)
    return _of(rallies, np.flatnonzero(fresh[rallies.game])), int((~fresh).sum())


def _rallies(played: Played, path: Path) -> Games:
    """The rallies that were played to their end; those of more than STEPS steps are parted.

    Raises ValueError where the steps do not keep the rules.
    """
    point, follows = _followed(played)
    gaps = int((~follows[:-1]).sum())
    if gaps > 1 + _GAPS * len(follows):
        raise ValueError(
            f"{path} is damaged: {gaps:,} of {len(follows):,} steps are followed by one that the "
            f"rules of Pong do not lead to"
        )
    ends = (point != 0) | ~follows
    stretch = np.cumsum(ends) - ends  # from serve to point, or as far as it is known
    begins = np.searchsorted(stretch, stretch)
    step = np.arange(len(ends)) - begins
    rally = np.cumsum(step % STEPS == 0) - 1
    last = np.searchsorted(rally, rally, side="right") - 1
    over = (point != 0) | (step % STEPS == STEPS - 1)
    rows = np.flatnonzero(over[last])
    ply = (2 * (step % STEPS)).astype(np.int16)
    whole = Games(
        state=seen_first(played.obs, ply),
        action=played.action.astype(np.int16),
        outcome=point[last].astype(np.float32),
        game=rally.astype(np.int32),
        ply=ply,
        second=np.zeros(len(ply), np.bool_),
        stakes=played.relevance,
    )
    return _of(whole, rows)


def _of(games: Games, rows: NDArray[np.intp]) -> Games:
    """Some rows of them, the games that are left numbered from 0 on."""
    kept = Games._make(None if column is None else take(column, rows) for column in games)
    return kept._replace(game=np.unique(kept.game, return_inverse=True)[1].astype(np.int32))


def _followed(played: Played) -> tuple[NDArray[np.int8], Bool]:
    """The point that each step [M] made, 1 the player's, -1 the other's, 0 none.

    Beside it, whether the next step is one that the rules lead to; behind the last there is none.
    """
    point, follows = np.zeros(len(played.obs), np.int8), np.zeros(len(played.obs), np.bool_)
    for push in (0.0, _TINY, -_TINY):  # a ball at the paddle, in f64, is before or behind it in f32
        made, led = _pushed(played, push)
        point = np.where(follows, point, made)
        follows |= led
    return point, follows


def _pushed(played: Played, push: float) -> tuple[NDArray[np.int8], Bool]:
    """The same, with each ball's x larger by ``push``."""
    ball, paddle = pong.court_of(played.obs)
    ball[:, 0] += push
    zeros = np.zeros((len(ball), 2), np.int32)
    state = pong.PongState(ball, paddle, zeros, np.zeros(len(ball), np.uint64))
    other = np.append(np.clip(np.diff(paddle[:, 1]), -1, 1), 0)
    answer = np.array([pong.STAY, pong.UP, pong.DOWN])[other]  # by how the paddle went: 0, 1, -1
    action = np.stack([played.action, answer], axis=1).astype(np.int32)
    after, event = pong.step(state, action)
    missed = event == pong.MISSED
    point = missed[:, 1].astype(np.int8) - missed[:, 0]
    seen, then = pong.observe(after, 0)[:-1], played.obs[1:]
    served = (then[:, 0] == 0) & (np.abs(np.abs(then[:, 2]) - pong.SERVE / pong.FASTEST) < _NEAR)
    same = (np.abs(seen[:, 4:] - then[:, 4:]) < _NEAR).all(axis=1)
    same &= np.where(point[:-1] != 0, served, (np.abs(seen - then) < _NEAR).all(axis=1))
    return point, np.append(same, False)
