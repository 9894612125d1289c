"""Checkpoints of a run, written so that it can go on exactly, and gone on from."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from selfplay.config import Config, parse_config
from selfplay.learning import checkpoint, shards
from selfplay.learning.replay import Replay
from selfplay.regimes.base import Loop, Parts
from selfplay.regimes.ledger import Ledger
from selfplay.system.files import write_text_atomically
from selfplay.system.size_limits import MOST
from selfplay.training.folder import RunFolder, number
from selfplay.training.metrics_file import spare_name
from selfplay.types import Game, Targets

# what a run may be resumed with another value of
_FREE_TO_CHANGE = (
    "name",
    "problems",
    "budget",
    "checkpoint_s",
    "strength",
    "actor.threads",
    "backend",
    "evaluator.device",
)

_MOST = 2**53  # positions


class Checkpoints:
    """The checkpoints of one run while it goes on."""

    def __init__(
        self, folder: RunFolder, config: Config, game: Game, tell: Callable[[str], None]
    ) -> None:
        """Reads the newest that is whole; ``tell`` hears of those that are damaged."""
        self._folder, self._config, self._game = folder, config, game
        self._window: list[Targets] = []  # that the learner of a resumed run draws from
        self._total = 0  # positions made until the latest checkpoint
        found = folder.load_newest(tell, self._load_window)
        self.path = found[0] if found else None  # the checkpoint that the run goes on from
        self.content = found[1] if found else None

    def restore(self, parts: Parts, loop: Loop) -> None:
        """Everything as it was when the checkpoint was written, if there is one."""
        if self.content is None:
            return
        saved, training = self.content, self.content["training"]
        if "loop" not in training:
            raise ValueError(
                f"{self.path} was written by an earlier version: it can be played with, "
                f"but not be trained further; to train anew give another folder with --out"
            )
        with self._fitting("holds no training"):
            ledger = Ledger(**training["ledger"])
            self._total = int(training["replay_total"])
            if ledger.iteration != saved.get("iteration", ledger.iteration):
                raise ValueError("it is of another iteration")
            if not 0 <= self._total < _MOST:
                raise ValueError(f"it has made {self._total} positions")
        with self._fitting(f"does not fit the net that {self._folder.config_file} describes"):
            parts.learner.load_state_dict(training["learner"])
        parts.progress.resume(ledger)
        try:
            loop.load_state_dict(training["loop"])
        except (LookupError, TypeError, AttributeError, ArithmeticError, RuntimeError) as error:
            raise ValueError(
                f"{self.path} lacks what a {self._config.regime.kind} run goes on from; "
                f"to train anew give another folder with --out"
            ) from error
        parts.replay.restore(self._window, self._total)
        self._window = []

    def clear_away(self, reached: int, say: Callable[[str], None]) -> None:
        """Removes what a killed process left unfinished behind the iteration ``reached``."""
        folder = self._folder
        for leftover in folder.leftovers():
            leftover.unlink()
        for path in (*folder.shards(), *folder.all_games()):
            if number(path) > reached:  # written just before its checkpoint would have been
                path.unlink()
        for path in folder.checkpoints():
            if number(path) > reached:  # damaged, or its shard: else the run would go on from it
                path.rename(spare_name(path))
        for path in folder.checkpoints()[-3:-2]:  # it was killed before that
            self._strip(path, say)

    def is_due(self, replay: Replay) -> bool:
        """Whether what was made since the last one is as much as a file should hold."""
        fresh = replay.total - self._total
        return fresh > 0 and replay.size_of(fresh) > MOST // 2

    def save(self, parts: Parts, loop: Loop, say: Callable[[str], None]) -> None:
        """A checkpoint with all that an exact resume needs.

        The one before keeps it too, in case the disk damages this one; older ones keep their net.
        """
        folder, replay, ledger = self._folder, parts.replay, parts.ledger
        iteration = ledger.iteration
        ledger.wall_s = parts.progress.seconds()
        fresh = replay.total - self._total
        if fresh:
            made = shards.Made(self._config.seed, iteration, self._total, replay.total)
            samples = replay.recent(fresh)
            shards.save_shard(folder.shard(iteration), samples, replay.num_actions, made)
        if loop.records:
            games = "".join(record + "\n" for record in loop.records)
            write_text_atomically(folder.games(iteration), games)
        older = [path for path in folder.checkpoints() if number(path) != iteration]
        needed = replay.section.size(self._total)  # by the checkpoint before
        checkpoint.save(
            folder.checkpoint(iteration),
            {
                "game": self._config.game,
                "iteration": iteration,
                "config": self._config.dump(),
                "precision": str(parts.setup.inference.dtype).removeprefix("torch."),
                "net": parts.learner.acting.state_dict(),
                "training": {
                    "ledger": ledger.state_dict(),
                    "learner": parts.learner.state_dict(),
                    "loop": loop.state_dict(),
                    "replay_total": replay.total,
                },
            },
        )
        self._total = replay.total
        for path in older[-2:-1]:
            self._strip(path, say)
        if older:
            self._drop_old_shards(number(older[-1]), needed)

    def _strip(self, path: Path, say: Callable[[str], None]) -> None:
        """Takes away from a checkpoint what only training needs."""
        try:
            content = checkpoint.load(path)
        except ValueError as error:
            say(f"{error}; training goes on")
            return
        if content.pop("training", None) is not None:
            checkpoint.save(path, content)

    def _drop_old_shards(self, iteration: int, needed: int) -> None:
        """Removes shards older than the ``needed`` positions up to the checkpoint ``iteration``.

        Later checkpoints need none of them either: a window never begins earlier than the last.
        """
        for shard in reversed(self._folder.shards()):
            if number(shard) > iteration:
                continue
            if needed <= 0:
                shard.unlink()
            else:
                try:
                    needed -= shards.count_samples(shard)
                except checkpoint.DamagedError:
                    return  # nobody knows how far back the older ones are needed

    def _load_window(self, path: Path, saved: dict[str, Any]) -> None:
        """Reads the samples that a checkpoint goes on with.

        Raises ValueError where it is of another run, DamagedError where it is a net alone, or a
        file of samples is not as it was written.
        """
        if saved.get("game") != self._config.game:
            raise ValueError(
                f"{path} belongs to a run on {saved.get('game')!r}; you asked for "
                f"{self._config.game!r}: give another folder with --out"
            )
        if "training" not in saved:
            raise checkpoint.DamagedError(f"{path} holds only the net, to be played with")
        if "config" in saved:
            before = parse_config(saved["config"], (), str(path)).dump()
            for option, old, new in _differences(before, self._config.dump()):
                raise ValueError(
                    f"{path} was made with {option} = {old!r}; you asked for {new!r}: ask for what "
                    f"it was made with, or give another folder with --out"
                )
        total = saved["training"].get("replay_total")
        if isinstance(total, int) and 0 <= total < _MOST:  # else ``restore`` refuses it
            made = shards.Made(self._config.seed, number(path), 0, total)
            needed = self._config.replay.size(total)
            try:
                self._window = self._folder.load_window(made, needed, self._game)
            except checkpoint.DamagedError as error:
                raise checkpoint.DamagedError(f"{path} cannot be gone on from: {error}") from error

    @contextlib.contextmanager
    def _fitting(self, what: str) -> Iterator[None]:
        """Turns what is raised while parts of a checkpoint are put in place into a sentence."""
        try:
            yield
        except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError,
                RuntimeError) as error:  # fmt: skip  # a part may be missing or something else
            raise ValueError(
                f"{self.path} {what}: it belongs to another run, or the config was "
                f"edited; to train anew give another folder with --out"
            ) from error


def refuse_other_config(folder: RunFolder, config: Config) -> None:
    """Raises ValueError when ``folder`` holds a run of another configuration."""
    for option, old, new in _differences(folder.config().dump(), config.dump()):
        raise ValueError(
            f"{folder.path} holds a run with {option} = {old!r}; you asked for {new!r}: go on "
            f"with it by 'selfplay train {folder.path}', or give this one another folder with "
            f"--out"
        )


def _differences(old: Any, new: Any, option: str = "") -> Iterator[tuple[str, Any, Any]]:
    """(option, old, new) for every option that differs and may not."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in {**old, **new}:
            yield from _differences(old.get(key), new.get(key), f"{option}.{key}".lstrip("."))
    elif old != new and not option.startswith(_FREE_TO_CHANGE):
        yield option, old, new
