"""A run: its loop, its checkpoints, its end."""

from __future__ import annotations

import contextlib
import platform
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

import envs
from selfplay import arrays, checkpoint
from selfplay.backends import Threads, core_count
from selfplay.config import Config, load_config
from selfplay.evaluator import choose_device, choose_precision
from selfplay.folder import RUNS, RunFolder
from selfplay.learner import Learner
from selfplay.log import RunLog, Screen
from selfplay.nets import forward_flops, parameter_count
from selfplay.regimes.workshop import Ledger, Workshop
from selfplay.replay import Replay, example_samples
from selfplay.report import write_report
from selfplay.strength import Gauge
from selfplay.types import Report

# what a run may be resumed with another value of
_FREE_TO_CHANGE = {"name", "budget", "checkpoint_s", "strength"}


class Outcome(NamedTuple):
    """How a call of ``train`` ended."""

    folder: Path
    finished: bool  # False: stopped by the user, to be resumed
    scalars: dict[str, float]  # the latest of each metric


def train(target: str, overrides: Sequence[str] = (), out: str | None = None) -> Outcome:
    """Starts the run of a config file, or goes on with the run in a folder.

    Naming a config whose run folder exists resumes that run.  Raises ValueError or
    FileNotFoundError with a sentence for the user.
    """
    if Path(target).is_dir():
        folder = RunFolder(Path(target))
        return Training(folder, folder.config(tuple(overrides))).run()
    config = load_config(target, overrides)
    folder = RunFolder(Path(out) if out else RUNS / config.name)
    if folder.config_file.exists():
        _refuse_other_config(folder, config)
    return Training(folder, config).run()


class Training:
    """One run while it goes on."""

    def __init__(self, folder: RunFolder, config: Config) -> None:
        self.folder, self.config = folder, config
        self.game = envs.make(config.game)
        device = choose_device(config.evaluator.device)
        torch.manual_seed(config.seed)
        net = config.net.build(self.game)
        resumed = folder.latest()
        saved = checkpoint.load(resumed) if resumed else None
        wish = saved["precision"] if saved else config.evaluator.precision
        self._precision = choose_precision(net, self.game, device, wish)
        self._gauge = Gauge(
            self.game, config.search, config.strength, device, self._precision.dtype
        )
        seeds = np.random.SeedSequence(config.seed).generate_state(2)
        autocast = self._precision.dtype == torch.bfloat16
        learner = Learner(net, config.learner, self.game, device, autocast, int(seeds[0]))
        self.shop = Workshop(
            game=self.game,
            actors=Threads(
                self.game,
                config.search,
                config.actor,
                config.evaluator,
                net,
                device,
                self._precision.dtype,
                int(seeds[1]),
            ),
            replay=Replay(config.replay),
            learner=learner,
            flops=forward_flops(net, self.game),
            progress=self._progress,
        )
        self._start = time.monotonic()
        self._saved_total = 0  # positions in the replay shards on disk
        self._stopping = False
        self._latest: dict[str, float] = {}
        if saved is not None:
            self._restore(saved)
        self._resumed_at = self.shop.ledger.positions if saved is not None else None
        self._parameters = parameter_count(net)

    def run(self) -> Outcome:
        """Trains until the budget is used up or the user stops it; saves in both cases."""
        self._prepare_folder()
        log = RunLog(self.folder.path, self._resumed_at)
        screen = Screen(f"training {self.config.game} in {self.folder.path}", self._progress)
        screen.say(
            f"{self.config.game}: net of {self._parameters:,} parameters, "
            f"{self.shop.flops / 1e6:.1f} MFLOPs a position; {self._precision.sentence}"
        )
        if self._resumed_at is not None:
            screen.say(f"resuming at {self._resumed_at:,} positions")
        try:
            with _interrupts(lambda: self._stop(screen)):
                for report in self._loop():
                    log.write(report)
                    screen.show(report)
                    self._latest.update(report.scalars)
        finally:
            screen.close()
            log.close()
            self.shop.actors.close()
        write_report(self.folder, self.config)
        return Outcome(self.folder.path, self._progress() >= 1.0, dict(self._latest))

    def _loop(self) -> Iterator[Report]:
        """Iteration after iteration, with a look at the strength and a checkpoint when due."""
        measured = saved = time.monotonic()
        if self._resumed_at is None:
            yield self._strength()
        while self._progress() < 1.0 and not self._stopping:
            for report in self.config.regime.iteration(self.shop):
                self.shop.ledger.wall_s = self._seconds()
                yield report
            if time.monotonic() - saved >= self.config.checkpoint_s:
                self._save()
                saved = time.monotonic()
            if time.monotonic() - measured >= self.config.strength.every_s:
                yield self._strength()
                measured = time.monotonic()
        self._save()
        yield self._strength()

    def _seconds(self) -> float:
        return time.monotonic() - self._start

    def _progress(self) -> float:
        return self.config.budget.progress(self._seconds(), self.shop.ledger.positions)

    def _stop(self, screen: Screen) -> None:
        """Ctrl-C: the iteration is finished and saved; a second one leaves at once."""
        if self._stopping:
            self.shop.actors.cancel()
            raise KeyboardInterrupt
        self._stopping = True
        screen.say("stopping after this iteration (press Ctrl-C again to leave without saving)")

    def _strength(self) -> Report:
        net = self.shop.learner.acting
        return Report(self.shop.ledger.positions, "strength", self._gauge.measure(net))

    def _prepare_folder(self) -> None:
        self.folder.path.mkdir(parents=True, exist_ok=True)
        self.folder.write_json("config.json", self.config.dump())
        self.folder.write_json("provenance.json", _provenance(self._precision.sentence))

    def _save(self) -> None:
        """A checkpoint with all that an exact resume needs; the one before keeps its net only."""
        shop, folder, iteration = self.shop, self.folder, self.shop.ledger.iteration
        shop.ledger.wall_s = self._seconds()
        fresh = shop.replay.total - self._saved_total
        if fresh:
            checkpoint.save_samples(folder.shard(iteration), shop.replay.recent(fresh))
        before = folder.latest()
        checkpoint.save(
            folder.checkpoint(iteration),
            {
                "game": self.config.game,
                "precision": str(self._precision.dtype).removeprefix("torch."),
                "net": shop.learner.acting.state_dict(),
                "training": {
                    "ledger": shop.ledger.state_dict(),
                    "learner": shop.learner.state_dict(),
                    "actors": shop.actors.state_dict(),
                    "replay_total": shop.replay.total,
                },
            },
        )
        self._saved_total = shop.replay.total
        if before is not None and before != folder.checkpoint(iteration):
            content = checkpoint.load(before)
            content.pop("training", None)
            checkpoint.save(before, content)
        self._drop_old_shards()
        text = "".join(record + "\n" for record in shop.records)
        checkpoint.write_text_atomically(folder.games(iteration), text)

    def _drop_old_shards(self) -> None:
        """Removes shards that the window has left behind."""
        newer = 0
        for shard in reversed(self.folder.shards()):
            if newer >= self.config.replay.capacity or newer >= 2 * len(self.shop.replay):
                shard.unlink()
            newer += checkpoint.count_samples(shard) if shard.exists() else 0

    def _restore(self, saved: dict[str, Any]) -> None:
        """Everything as it was when the checkpoint was written."""
        if "training" not in saved:
            raise ValueError(
                f"the latest checkpoint in {self.folder.path} holds only the net, to be played "
                f"with; to train anew give another folder with --out"
            )
        shop, training = self.shop, saved["training"]
        shop.ledger = Ledger(**training["ledger"])
        shop.learner.load_state_dict(training["learner"])
        shop.actors.load_state_dict(checkpoint.unpacked(training["actors"]))
        self._start -= shop.ledger.wall_s
        total = int(training["replay_total"])
        like = example_samples(self.game)
        parts = []
        for shard in self.folder.shards():
            if int(shard.stem) <= shop.ledger.iteration:
                parts.append(checkpoint.load_samples(shard, like))
        held, needed = sum(map(arrays.length, parts)), self.config.replay.size(total)
        if held < needed:
            raise ValueError(
                f"{self.folder.path}/replay holds {held:,} positions, but the run needs the last "
                f"{needed:,} to go on; to train anew give another folder with --out"
            )
        shop.replay.restore(parts, total)
        self._saved_total = total


@contextlib.contextmanager
def _interrupts(stop: Callable[[], None]) -> Iterator[None]:
    """Calls ``stop`` on Ctrl-C and on a request to end, as long as the context lasts."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {
        number: signal.signal(number, lambda *_: stop())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _refuse_other_config(folder: RunFolder, config: Config) -> None:
    """Raises ValueError when ``folder`` holds a run of another configuration."""
    old, new = folder.config().dump(), config.dump()
    for key in new:
        if old[key] != new[key] and key not in _FREE_TO_CHANGE:
            raise ValueError(
                f"{folder.path} holds a run with another {key} ({_difference(old[key], new[key])});"
                f" go on with it by 'selfplay train {folder.path}', or give this one another "
                f"folder with --out"
            )


def _difference(old: Any, new: Any) -> str:
    """The first difference of two values, both sides quoted."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in new:
            if old.get(key) != new[key]:
                return f"{key}: {old.get(key)!r} there, {new[key]!r} here"
    return f"{old!r} there, {new!r} here"


def _provenance(precision: str) -> dict[str, Any]:
    """How this came about: command, versions, commit, machine."""
    try:
        commit = subprocess.run(
            ["git", "describe", "--always", "--dirty"],
            capture_output=True,
            text=True,
            cwd=Path(__file__).parent,
            timeout=10,
            check=False,
        ).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        commit = ""
    versions = {name: metadata.version(name) for name in ("torch", "numpy", "numba")}
    return {
        "command": " ".join(["selfplay", *sys.argv[1:]]),
        "started": time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()),
        "version": metadata.version("selfplay"),
        "commit": commit or None,
        "python": platform.python_version(),
        "packages": versions,
        "machine": {
            "processor": _processor(),
            "cores": core_count(),
            "system": f"{platform.system()} {platform.machine()}",
        },
        "precision": precision,
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    for line in cpuinfo.read_text().splitlines() if cpuinfo.exists() else []:
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()
