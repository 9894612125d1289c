"""The folder of a run: what lies where in it::

    config.json  provenance.json  events.out...  metrics.jsonl  report.md
    checkpoints/000500.pt    replay/000500.npz    games/000500.txt     (number = iteration)
    strength/004096000.npz   (positions made; see measure/answers.py)

Everything but the events and the metrics is written aside and renamed.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

from selfplay import arrays
from selfplay.config import Config, parse_config
from selfplay.learning import checkpoint
from selfplay.learning.shards import Made, load_shard
from selfplay.system.files import locked, write_text_atomically
from selfplay.system.text import read_object
from selfplay.training.finding import find_folder
from selfplay.training.places import shipped_agent
from selfplay.types import Game, Targets

# what ``files.write_atomically`` writes beside the files of a run: .NAME.PROCESS
_ASIDE = re.compile(
    r"\.(?:(?:config|provenance)\.json|report\.md|metrics\.jsonl(?:\.damaged\d*)?|"
    r"\d{6,}\.(?:pt|npz|txt))\.\d+"
)

PLACES = (  # in which a run writes
    ".lock", "config.json", "provenance.json", "metrics.jsonl", "report.md", "checkpoints",
    "replay", "games", "strength",
)  # fmt: skip


class RunFolder(NamedTuple):
    """Paths in the folder of one run."""

    path: Path

    @property
    def config_file(self) -> Path:
        return self.path / "config.json"

    def checkpoint(self, iteration: int) -> Path:
        return self.path / "checkpoints" / f"{iteration:06}.pt"

    def shard(self, iteration: int) -> Path:
        """The positions made between the checkpoint before and that of ``iteration``."""
        return self.path / "replay" / f"{iteration:06}.npz"

    def games(self, iteration: int) -> Path:
        return self.path / "games" / f"{iteration:06}.txt"

    def checkpoints(self) -> list[Path]:
        """Oldest first."""
        return self._numbered("checkpoints/[0-9]*.pt")

    def latest(self) -> Path | None:
        """The newest checkpoint, if there is one."""
        return next(reversed(self.checkpoints()), None)

    def load_newest(
        self,
        say: Callable[[str], None],
        check: Callable[[Path, dict[str, Any]], None] = lambda path, content: None,
    ) -> tuple[Path, dict[str, Any]] | None:
        """The newest checkpoint that is whole, with its content; None before there is one.

        ``check`` raises DamagedError where one cannot be used for another reason.  ``say`` is told
        of each that is damaged.  Raises ValueError with a sentence when all are.
        """
        damaged: list[str] = []
        for path in reversed(self.checkpoints()):
            try:
                content = checkpoint.load(path, number(path))
                check(path, content)
            except checkpoint.DamagedError as error:
                damaged.append(str(error))
                continue
            for sentence in damaged:
                say(f"{sentence}; the one before it is used: {path}")
            return path, content
        if damaged:
            raise ValueError(
                f"{damaged[0]}; there is none before it that is whole; to train anew give another "
                f"folder with --out"
            )
        return None

    def load_window(self, made: Made, needed: int, game: Game) -> list[Targets]:
        """The last samples that were made until the checkpoint of ``made``, at least ``needed``.

        In the order and the files in which they were written.  Raises DamagedError where one is
        not there as it was.
        """
        numbers = {number(path) for path in (*self.shards(), *self.checkpoints())}
        parts: list[Targets] = []
        until: int | None = made.total  # positions made until the next shard ends, where known
        absent: Path | None = None  # of the last checkpoint without a shard: it may have had none
        for iteration in sorted(numbers, reverse=True):
            if needed > 0 and iteration <= made.iteration:
                path = self.shard(iteration)
                if not path.is_file():
                    absent = absent or path
                    continue
                samples, place = load_shard(path, game)
                if absent and (until is None or not place or place.total < until):
                    raise checkpoint.DamagedError(f"{absent} is missing or damaged")
                wanted = (made.seed, iteration, until)
                if place and (place.seed, place.iteration, until and place.total) != wanted:
                    raise checkpoint.DamagedError(
                        f"{path} is not the file that was written there: it holds positions of "
                        f"iteration {place.iteration} of a run of seed {place.seed}"
                    )
                absent = None
                until = place.first if place else None
                parts.append(samples)
                needed -= arrays.length(samples)
        if needed > 0:
            if absent:
                raise checkpoint.DamagedError(f"{absent} is missing or damaged")
            raise checkpoint.DamagedError(
                f"{self.path}/replay lacks {needed:,} of the positions that it needs"
            )
        return parts[::-1]

    def load_net(self, step: int | None) -> tuple[Path, dict[str, Any]]:
        """The checkpoint ``step``, or the newest that is whole, with its content.

        Where the newest is damaged, that is told on standard error.
        """
        if step is None:
            newest = self.load_newest(lambda sentence: print(sentence, file=sys.stderr))
            if newest is None:
                raise ValueError(
                    f"{self.path} has no checkpoint yet; train it with 'selfplay train {self.path}'"
                )
            return newest
        path = self.checkpoint(step)
        if not path.is_file():
            there = ", ".join(str(number(path)) for path in self.checkpoints())
            raise ValueError(f"{self.path} has no checkpoint {step}; it has {there or 'none'}")
        try:
            return path, checkpoint.load(path, step)
        except checkpoint.DamagedError as error:
            raise ValueError(f"{error}; choose another with RUN@STEP") from error

    def refuse_others_files(self) -> None:
        """Raises ValueError when a new run would write over what somebody else has put there."""
        if self.latest() is not None:
            return  # a run without its config.json
        for place in self.path.glob("[!.]*"):  # a run has hidden files too, while it writes
            for path in [place] if not place.is_dir() else place.rglob("*"):
                raise ValueError(
                    f"{self.path} is not a run folder (it has no config.json), but there is "
                    f"{path}: give another folder with --out"
                )

    def leftovers(self) -> list[Path]:
        """What processes that were killed had half written, and nothing of anybody else's."""
        own = (
            self.path,
            *(self.path / part for part in ("checkpoints", "replay", "games", "strength")),
        )
        hidden = (path for part in own for path in part.glob(".*"))
        return [path for path in hidden if _ASIDE.fullmatch(path.name) and path.is_file()]

    def shards(self) -> list[Path]:
        """Oldest first."""
        return self._numbered("replay/[0-9]*.npz")

    def all_games(self) -> list[Path]:
        """Oldest first; empty files, as runs without games of their own once left, are none."""
        return [path for path in self._numbered("games/[0-9]*.txt") if path.stat().st_size]

    def _numbered(self, pattern: str) -> list[Path]:
        """The files whose names are numbers, in their order."""
        steps = (path for path in self.path.glob(pattern) if re.fullmatch(r"[0-9]+", path.stem))
        return sorted(steps, key=number)

    def config(self, overrides: tuple[str, ...] = ()) -> Config:
        """The configuration the run was started with."""
        if not self.config_file.is_file():
            raise ValueError(
                f"{self.path} is not a run folder (it has no config.json); start a run with "
                f"'selfplay train CONFIG.toml --out {self.path}'"
            )
        try:
            plain = read_object(self.config_file)
        except ValueError as error:
            raise ValueError(
                f"{error}; put the run's config there again, or give another folder with --out"
            ) from error
        return parse_config(plain, overrides, str(self.config_file), self.config_file)

    def locked(self) -> AbstractContextManager[None]:
        """Keeps other processes from training in the folder as long as the context lasts.

        Raises ValueError when one does already.  The system drops the lock of a killed process.
        """
        return locked(self.path, f"{self.path} is being trained by another process")

    def read_json(self, name: str) -> dict[str, Any]:
        """The content of a small file; empty where it is missing or damaged."""
        try:
            return read_object(self.path / name)
        except ValueError:
            return {}

    def write_json(self, name: str, content: dict[str, Any]) -> None:
        """Writes a small file, or leaves what was there."""
        write_text_atomically(self.path / name, json.dumps(content, indent=2) + "\n")


def number(path: Path) -> int:
    """The iteration in a file's name."""
    return int(path.stem)


def find_run(name: str) -> RunFolder:
    """The run that ``name`` names, as ``find_folder`` finds it."""
    return RunFolder(find_folder(name))


def shadowed(name: str, run: RunFolder) -> Path | None:
    """The run that ships by this name, where ``run``, one of the user's, comes before it."""
    ships = shipped_agent(name)
    return ships if ships and ships.resolve() != run.path.resolve() else None
