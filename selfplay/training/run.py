"""A run: its loop, its checkpoints, its end."""

from __future__ import annotations

import contextlib
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from envs import trust
from selfplay.actors.threads import Threads
from selfplay.config import Config, load_config, nearest_recipe, parse_config
from selfplay.learning import checkpoint, shards
from selfplay.learning.learner import Learner
from selfplay.learning.replay import Replay
from selfplay.measure.strength import StrengthMeter
from selfplay.nets import forward_flops, parameter_count
from selfplay.nets.evaluator import NetEvaluator, choose_device, choose_precision
from selfplay.regimes.workshop import Ledger, Workshop
from selfplay.system.cores import core_count
from selfplay.system.files import write_text_atomically
from selfplay.system.interrupts import interrupts
from selfplay.system.json_file import objects_in
from selfplay.training.folder import RUNS, RunFolder, find_run, number
from selfplay.training.log import RunLog, Screen
from selfplay.training.metrics_file import read_metrics, spare_name
from selfplay.training.provenance import about, provenance
from selfplay.training.report import write_report
from selfplay.types import Report, Targets

# what a run may be resumed with another value of
_FREE_TO_CHANGE = (
    "name",
    "problems",
    "budget",
    "checkpoint_s",
    "strength",
    "actor.threads",
    "evaluator.device",
)

# what an iteration begins with, where that is not play
_FIRST_DOING = {"prove": "proving", "imitation": "learning", "frozen": "learning"}

_SMALL_STEP = 5e8  # FLOPs forwards; less is done before a second thread has joined in


class Outcome(NamedTuple):
    """How a call of ``train`` ended."""

    folder: Path
    finished: bool  # False: stopped by the user, to be resumed
    scalars: dict[str, float]  # the latest of each metric
    positions: int  # made so far
    measured_at: int | None  # positions that were made when the strength was measured last


def train(target: str, overrides: Sequence[str] = (), out: str | None = None) -> Outcome:
    """Starts the run of a config file, or goes on with a run, named as ``find_run`` has it.

    Naming a config whose run folder exists resumes that run.  Raises ValueError or
    FileNotFoundError with a sentence for the user.
    """
    if target.endswith(".toml") or Path(target).is_file():
        config = load_config(target, overrides)
        folder = RunFolder(Path(out) if out else RUNS / config.name)
    else:
        folder = _existing_run(target)
        config = folder.config(tuple(overrides))
        if out and Path(out).resolve() != folder.path.resolve():
            raise ValueError(
                f"{target!r} names the run {folder.path}, which goes on in its own folder: leave "
                f"--out away, or name a recipe to start a new run"
            )
    if folder.config_file.exists():
        _refuse_other_config(folder, config)
    else:
        folder.refuse_others_files()
    folder.refuse_links_out()
    config.rules()  # a mistyped game leaves no folder behind
    with folder.locked():
        return Training(folder, config).run()


class Training:
    """One run while it goes on."""

    def __init__(self, folder: RunFolder, config: Config) -> None:
        self.folder, self.config = folder, config
        self.game = config.rules()
        device = choose_device(config.evaluator.device)
        torch.manual_seed(config.seed)
        net = config.net.build(self.game)
        self._window: list[Targets] = []  # that the learner of a resumed run draws from
        found = folder.load_newest(_tell, self._load_window)
        self._loaded = found[0] if found else None  # the checkpoint it goes on from
        saved = found[1] if found else None
        wish = saved.get("precision", "auto") if saved else config.evaluator.precision
        self._precision = choose_precision(net, self.game, device, wish)
        self._meter = StrengthMeter(
            self.game, config.search, config.strength, device, self._precision.dtype
        )
        seeds = np.random.SeedSequence(config.seed).generate_state(2)
        autocast = self._precision.dtype == torch.bfloat16
        learner = Learner(net, config.learner, self.game, device, autocast, int(seeds[0]))
        dtype = self._precision.dtype
        self.shop = Workshop(
            game=self.game,
            learner=learner,
            replay=Replay(config.replay),
            hire=lambda: Threads(
                self.game,
                config.search,
                config.actor,
                config.evaluator,
                net,
                device,
                dtype,
                int(seeds[1]),
            ),
            evaluator=lambda net: NetEvaluator(
                net, self.game.num_actions, device, dtype, config.evaluator.cache
            ),
            search=config.search,
            threads=config.actor.threads or core_count(),
            test_keys=self._meter.keys(),
            flops=forward_flops(net, self.game),
            seed=int(seeds[1]),
            progress=self._progress,
            seconds=self._seconds,
        )
        self.loop = config.regime.open(self.shop)
        self._start = time.monotonic()
        self._saved_total = 0  # positions made until the latest checkpoint
        self._stopping = False
        self._resumed = saved is not None
        if saved is not None:
            self._restore(saved)
        self._latest, self._measured_at = self._told_before()
        self._parameters = parameter_count(net)

    def run(self) -> Outcome:
        """Trains until the budget is used up or the user stops it; saves in both cases."""
        self._prepare_folder()
        told_until = self.shop.ledger.positions if self._resumed else None
        log = RunLog(self.folder.path, told_until, _tell, about(self.config, self._parameters))
        title = f"training {self.config.game} in {self.folder.path}"
        screen = Screen(title, self._progress, paid=self._paid)
        self._say: Callable[[str], None] = screen.say
        self._doing: Callable[[str], None] = screen.doing
        screen.say(
            f"{self.config.game}: net of {self._parameters:,} parameters, "
            f"{self.shop.flops / 1e6:.1f} MFLOPs a position; {self._precision.sentence}"
        )
        if self._resumed:
            screen.say(f"resuming at {self.shop.ledger.positions:,} positions")
        if self._progress() >= 1.0:
            screen.say("its budget is used up: give it more with --set budget.seconds=...")
        try:
            with interrupts(lambda by_key: self._stop(screen, by_key)):
                with _threads(self._learner_threads()):
                    for report in self._loop():
                        log.write(report)
                        screen.show(report)
                        self._latest.update(report.scalars)
                finished = self._progress() >= 1.0
                if finished:
                    self._note_the_end()
                write_report(self.folder, self.config)
        finally:
            screen.close()
            log.close()
            self.loop.close()
        positions = self.shop.ledger.positions
        return Outcome(self.folder.path, finished, dict(self._latest), positions, self._measured_at)

    def _loop(self) -> Iterator[Report]:
        """Iteration after iteration, with a look at the strength and a checkpoint when due."""
        if self._measured_at is None:
            yield self._strength()
        measured = saved = time.monotonic()
        stretch = self._stretch()
        unsaved = False
        while self._progress() < 1.0 and not self._stopping:
            self._doing(_FIRST_DOING.get(self.config.regime.kind, "playing"))
            yield from self.loop.iteration()
            unsaved = True
            if time.monotonic() - saved >= self.config.checkpoint_s:
                self._save()
                saved, unsaved = time.monotonic(), False
            late = time.monotonic() - measured >= self.config.strength.every_s
            if self._stretch() != stretch or (late and not self.config.strength.per_decade):
                yield self._strength()
                measured, stretch = time.monotonic(), self._stretch()
        if unsaved:
            self._save()
        if self._measured_at != self.shop.ledger.positions and not self._stopping:
            yield self._strength()

    def _learner_threads(self) -> int:
        """One for small steps: with two a busy machine makes them wait a hundredfold."""
        small = self.shop.flops * self.config.learner.batch < _SMALL_STEP
        return 1 if small else torch.get_num_threads()

    def _seconds(self) -> float:
        return time.monotonic() - self._start

    def _paid(self) -> tuple[int, float]:
        return self.shop.ledger.iteration, self._seconds()

    def _progress(self) -> float:
        ledger = self.shop.ledger
        flops = sum(ledger.flops(self.shop.flops))
        return self.config.budget.progress(self._seconds(), ledger.positions, flops)

    def _stretch(self) -> int:
        """Which of the equal stretches of log compute the run is in; 0 where none are asked for."""
        flops = sum(self.shop.ledger.flops(self.shop.flops))
        return math.floor(self.config.strength.per_decade * math.log10(max(1.0, flops)))

    def _stop(self, screen: Screen, by_key: bool) -> None:
        """On a request to end the iteration is finished and saved; Ctrl-C after it leaves at once.

        Other requests may come twice, as from a system that shuts down: they are to lose nothing.
        """
        if self._stopping:
            if not by_key:
                return
            self.loop.cancel()
            raise KeyboardInterrupt
        self._stopping = True
        with contextlib.suppress(RuntimeError):  # the signal came while a line was being printed
            screen.say("stopping after this iteration (press Ctrl-C again to leave without saving)")

    def _strength(self) -> Report:
        self._doing("measuring its strength")
        self._measured_at = self.shop.ledger.positions
        measured = self._meter.measure(self.shop.learner.acting)
        scalars = {**measured, **self.shop.costs(), "net/parameters": self._parameters}
        return Report(self._measured_at, "strength", scalars)

    def _told_before(self) -> tuple[dict[str, float], int | None]:
        """The latest metrics of a resumed run, and the step of its last look at the strength."""
        latest: dict[str, float] = {}
        measured_at = None
        for line in read_metrics(self.folder.path) if self._resumed else []:
            if line["step"] > self.shop.ledger.positions:
                continue
            latest |= {key: value for key, value in line.items() if "/" in key}
            if line["phase"] == "strength":
                measured_at = line["step"]
        return latest, measured_at

    def _prepare_folder(self) -> None:
        """Writes down what the run is, and clears away what a killed process left unfinished."""
        for leftover in self.folder.leftovers():
            leftover.unlink()
        reached = self.shop.ledger.iteration if self._resumed else 0
        for path in (*self.folder.shards(), *self.folder.all_games()):
            if number(path) > reached:  # written just before its checkpoint would have been
                path.unlink()
        for path in self.folder.checkpoints():
            if number(path) > reached:  # damaged, or its shard: else the run would go on from it
                path.rename(spare_name(path))
        self.folder.write_json("config.json", self.config.dump())
        trust.remember(self.config.game, self.folder.config_file)
        now = provenance(self._precision.sentence)
        before = self.folder.read_json("provenance.json") if self._resumed else {}
        resumed = [*objects_in(before, "resumed"), now] if before else []
        source = {"data": self.loop.source()} if self.loop.source() else {}
        told = {**(before or now), **source, "finished": False, "resumed": resumed}
        self.folder.write_json("provenance.json", told)

    def _note_the_end(self) -> None:
        """Writes down that the budget is used up: a sweep need not come back to this run."""
        told = self.folder.read_json("provenance.json")
        self.folder.write_json("provenance.json", {**told, "finished": True})

    def _save(self) -> None:
        """A checkpoint with all that an exact resume needs.

        The one before keeps it too, in case the disk damages this one; older ones keep their net.
        """
        self._doing("saving")
        shop, folder, iteration = self.shop, self.folder, self.shop.ledger.iteration
        shop.ledger.wall_s = self._seconds()
        fresh = shop.replay.total - self._saved_total
        if fresh:
            made = self._made(iteration, self._saved_total, shop.replay.total)
            shards.save_shard(folder.shard(iteration), shop.replay.recent(fresh), made)
        text = "".join(record + "\n" for record in shop.records)
        write_text_atomically(folder.games(iteration), text)
        older = [path for path in folder.checkpoints() if number(path) != iteration]
        needed = shop.replay.section.size(self._saved_total)  # by the checkpoint before
        checkpoint.save(
            folder.checkpoint(iteration),
            {
                "game": self.config.game,
                "iteration": iteration,
                "config": self.config.dump(),
                "precision": str(self._precision.dtype).removeprefix("torch."),
                "net": shop.learner.acting.state_dict(),
                "training": {
                    "ledger": shop.ledger.state_dict(),
                    "learner": shop.learner.state_dict(),
                    "loop": self.loop.state_dict(),
                    "replay_total": shop.replay.total,
                },
            },
        )
        self._saved_total = shop.replay.total
        for path in older[-2:-1]:
            self._strip(path)
        if older:
            self._drop_old_shards(number(older[-1]), needed)

    def _made(self, iteration: int, first: int, total: int) -> shards.Made:
        return shards.Made(self.config.seed % 2**63, iteration, first, total)

    def _strip(self, path: Path) -> None:
        """Takes away from a checkpoint what only training needs."""
        try:
            content = checkpoint.load(path)
        except ValueError as error:
            self._say(f"{error}; training goes on")
            return
        content.pop("training", None)
        checkpoint.save(path, content)

    def _drop_old_shards(self, iteration: int, needed: int) -> None:
        """Removes shards older than the ``needed`` positions up to the checkpoint ``iteration``.

        Later checkpoints need none of them either: a window never begins earlier than the last.
        """
        for shard in reversed(self.folder.shards()):
            if number(shard) > iteration:
                continue
            if needed <= 0:
                shard.unlink()
            else:
                try:
                    needed -= shards.count_samples(shard)
                except checkpoint.DamagedError:
                    return  # nobody knows how far back the older ones are needed

    def _refuse_other_checkpoint(self, path: Path, saved: dict[str, Any]) -> None:
        """Raises ValueError unless a checkpoint is of this run, DamagedError if a net alone."""
        if saved.get("game") != self.config.game:
            raise ValueError(
                f"{path} belongs to a run on {saved.get('game')!r}; you asked for "
                f"{self.config.game!r}: give another folder with --out"
            )
        if "training" not in saved:
            raise checkpoint.DamagedError(f"{path} holds only the net, to be played with")
        if "config" in saved:
            before = parse_config(saved["config"], (), str(path)).dump()
            for option, old, new in _fixed_differences(before, self.config.dump()):
                raise ValueError(
                    f"{path} was made with {option} = {old!r}; you asked for {new!r}: ask for what "
                    f"it was made with, or give another folder with --out"
                )

    def _restore(self, saved: dict[str, Any]) -> None:
        """Everything as it was when the checkpoint was written."""
        shop, training = self.shop, saved["training"]
        if "loop" not in training:
            raise ValueError(
                f"{self._loaded} was written by an earlier version: it can be played with, "
                f"but not be trained further; to train anew give another folder with --out"
            )
        with self._fitting("holds no training"):
            shop.ledger = Ledger(**training["ledger"])
            total = int(training["replay_total"])
            if shop.ledger.iteration != saved.get("iteration", shop.ledger.iteration):
                raise ValueError("it is of another iteration")
            if not 0 <= total < 2**53:
                raise ValueError(f"it has made {total} positions")
        with self._fitting(f"does not fit the net that {self.folder.config_file} describes"):
            shop.learner.load_state_dict(training["learner"])
        try:
            self.loop.load_state_dict(training["loop"])
        except (LookupError, TypeError, AttributeError, ArithmeticError, RuntimeError) as error:
            raise ValueError(
                f"{self._loaded} lacks what a {self.config.regime.kind} run goes on from; "
                f"to train anew give another folder with --out"
            ) from error
        self._start -= shop.ledger.wall_s
        shop.replay.restore(self._window, total)
        self._window = []
        self._saved_total = total

    @contextlib.contextmanager
    def _fitting(self, what: str) -> Iterator[None]:
        """Turns what is raised while parts of a checkpoint are put in place into a sentence."""
        try:
            yield
        except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError,
                RuntimeError) as error:  # fmt: skip  # a part may be missing or something else
            raise ValueError(
                f"{self._loaded} {what}: it belongs to another run, or the config was "
                f"edited; to train anew give another folder with --out"
            ) from error

    def _load_window(self, path: Path, saved: dict[str, Any]) -> None:
        """Reads the samples that a checkpoint goes on with.

        Raises DamagedError where there is none for it, or a file is not as it was written.
        """
        self._refuse_other_checkpoint(path, saved)
        total = saved["training"].get("replay_total")
        if isinstance(total, int) and 0 <= total < 2**53:  # else ``_restore`` refuses it
            made = self._made(number(path), 0, total)
            needed = self.config.replay.size(total)
            try:
                self._window = self.folder.load_window(made, needed, self.game)
            except checkpoint.DamagedError as error:
                raise checkpoint.DamagedError(f"{path} cannot be gone on from: {error}") from error


def _tell(sentence: str) -> None:
    """Tells the user while there is no screen."""
    print(sentence, file=sys.stderr)


@contextlib.contextmanager
def _threads(count: int) -> Iterator[None]:
    """torch computes in ``count`` threads as long as the context lasts."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _existing_run(name: str) -> RunFolder:
    """The run that ``name`` names; where there is none the error says which recipe is near."""
    try:
        return find_run(name)
    except ValueError as error:
        recipe = nearest_recipe(name)
        hint = f"; 'selfplay train {recipe}' starts a new run" if recipe else ""
        raise ValueError(f"{error}{hint}") from error


def _refuse_other_config(folder: RunFolder, config: Config) -> None:
    """Raises ValueError when ``folder`` holds a run of another configuration."""
    for option, old, new in _fixed_differences(folder.config().dump(), config.dump()):
        raise ValueError(
            f"{folder.path} holds a run with {option} = {old!r}; you asked for {new!r}: go on "
            f"with it by 'selfplay train {folder.path}', or give this one another folder with "
            f"--out"
        )


def _fixed_differences(old: dict[str, Any], new: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """(option, old, new) for every option that differs and may not."""
    for difference in _differences(old, new):
        if not difference[0].startswith(_FREE_TO_CHANGE):
            yield difference


def _differences(old: Any, new: Any, option: str = "") -> Iterator[tuple[str, Any, Any]]:
    """(option, old, new) for every option that differs."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in {**old, **new}:
            yield from _differences(old.get(key), new.get(key), f"{option}.{key}".lstrip("."))
    elif old != new:
        yield option, old, new
