"""A run: its parts, its loop, its end."""

from __future__ import annotations

import contextlib
import math
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from envs import trust
from selfplay.actors import Setup
from selfplay.config import Config, load_config, nearest_recipe
from selfplay.learning.learner import Learner
from selfplay.learning.replay import Replay
from selfplay.measure.answers import answers_path, read_answers, truncate_answers, write_answers
from selfplay.measure.chance import random_level
from selfplay.measure.strength import StrengthMeter
from selfplay.nets import counts_flops, forward_flops, parameter_count
from selfplay.proving.measure import write_proved
from selfplay.regimes.base import Parts
from selfplay.regimes.ledger import Progress
from selfplay.system.files import refuse_links_out
from selfplay.system.interrupts import interrupts
from selfplay.system.text import objects_in
from selfplay.training.folder import PLACES, RunFolder, find_run
from selfplay.training.log import RunLog, TrainingScreen
from selfplay.training.metrics_file import STOPPED, read_metrics, updated
from selfplay.training.patience import Patience
from selfplay.training.places import RUNS
from selfplay.training.replay_view import ReplayView
from selfplay.training.report import about, provenance, write_report
from selfplay.training.resume import Checkpoints, refuse_other_config
from selfplay.training.summary import summarize
from selfplay.types import Report

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

    Naming a config whose run folder exists resumes that run.
    """
    if target.endswith(".toml") or Path(target).is_file():
        config = load_config(target, overrides)
        folder = RunFolder(Path(out) if out else RUNS / config.name)
    else:
        try:
            folder = find_run(target)
        except ValueError as error:
            recipe = nearest_recipe(target)
            hint = f"; 'selfplay train {recipe}' starts a new run" if recipe else ""
            raise ValueError(f"{error}{hint}") from error
        config = folder.config(tuple(overrides))
        if out and Path(out).resolve() != folder.path.resolve():
            raise ValueError(
                f"{target!r} names the run {folder.path}, which goes on in its own folder: leave "
                f"--out away, or name a recipe to start a new run"
            )
    if folder.config_file.exists():
        refuse_other_config(folder, config)
    else:
        folder.refuse_others_files()
    refuse_links_out(folder.path, PLACES)
    config.rules()  # a mistyped game leaves no folder behind
    with folder.locked():
        return Training(folder, config).run()


class Training:
    """One run while it goes on."""

    def __init__(self, folder: RunFolder, config: Config) -> None:
        self.folder, self.config = folder, config
        self._patience = Patience(config.budget)
        game = config.rules()
        torch.manual_seed(config.seed)
        net = config.net.build(game)
        self._checkpoints = Checkpoints(folder, config, game, _tell)
        saved = self._checkpoints.content
        evaluator = config.evaluator
        if saved is not None:
            precision = saved.get("precision", "auto")
            evaluator = evaluator.model_copy(update={"precision": precision})
        inference = evaluator.inference(net, game)
        self._meter = StrengthMeter(
            game, config.search, config.strength, inference.device, inference.dtype
        )
        seeds = np.random.SeedSequence(config.seed).generate_state(2)
        autocast = config.learner.autocasts(inference.dtype == torch.bfloat16)
        forward = forward_flops(net, game)
        learner = config.learner.within(config.budget.flops, forward)
        self.parts = Parts(
            setup=Setup(game, config.search, config.actor, inference),
            backend=config.backend,
            learner=Learner(net, learner, game, inference.device, autocast, int(seeds[0])),
            replay=Replay(config.replay, game.num_actions),
            progress=Progress(config.budget, forward, counts_flops(net)),
            seed=int(seeds[1]),
            test_keys=self._meter.keys(),
        )
        self.loop = config.regime.open(self.parts)
        self._resumed = saved is not None
        self._stopping = False
        try:
            self._checkpoints.restore(self.parts, self.loop)
            self._latest, self._measured_at = self._told_before()
        except BaseException:
            self.loop.close()  # or what it has started would go on
            raise
        self._parameters = parameter_count(net)

    def run(self) -> Outcome:
        """Trains until the budget is used up or the user stops it; saves in both cases."""
        with contextlib.ExitStack() as closing:
            closing.callback(self.loop.close)
            return self._run(closing)

    def _run(self, closing: contextlib.ExitStack) -> Outcome:
        self._prepare_folder()
        parts, progress = self.parts, self.parts.progress
        told_until = parts.ledger.positions if self._resumed else None
        log = RunLog(self.folder.path, told_until, _tell, about(self.config, self._parameters))
        closing.callback(log.close)
        title = f"training {self.config.game} in {self.folder.path}"
        section = self.config.strength
        screen = TrainingScreen(
            title,
            progress.share,
            paid=lambda: (parts.ledger.iteration, progress.seconds()),
            run=summarize(self.folder.path),
            every_s=math.nan if section.per_decade else section.every_s,
            game=ReplayView(parts.game, lambda: self.loop.records),
            chance=lambda metric: random_level(metric, parts.game, section),
        )
        closing.callback(screen.close)
        screen.say(
            f"{self.config.game}: net of {self._parameters:,} parameters, "
            f"{progress.forward / 1e6:.1f} MFLOPs a position; "
            f"{parts.setup.inference.precision.sentence}"
        )
        if self._resumed:
            screen.say(f"resuming at {parts.ledger.positions:,} positions")
        if progress.share() >= 1.0:
            screen.say("its budget is used up: give it more with --set budget.seconds=...")
        with interrupts(lambda by_key: self._stop(screen, by_key)):
            with _threads_for(self._step_flops()):
                for report in self._reports(screen):
                    log.write(report)
                    screen.show(report)
                    self._latest = updated(self._latest, report.scalars)
            finished = self._used_up() and (not self._stopping or self._told_the_end())
            if self._patience.over:
                screen.say(self._patience.sentence())
            if finished:  # a sweep need not come back to this run
                told = self.folder.read_json("provenance.json")
                self.folder.write_json("provenance.json", {**told, "finished": True})
            write_report(self.folder, self.config)
        positions = parts.ledger.positions
        return Outcome(self.folder.path, finished, dict(self._latest), positions, self._measured_at)

    def _reports(self, screen: TrainingScreen) -> Iterator[Report]:
        """Iteration after iteration, with a look at the strength and a checkpoint when due."""
        if self._measured_at is None:
            yield self._strength(screen)
        measured = saved = time.monotonic()
        stretch = self._stretch()
        unsaved = False
        while not self._is_over():
            screen.doing = self.config.regime.begins_with
            yield from self.loop.iteration()
            unsaved = True
            late = time.monotonic() - saved >= self.config.checkpoint_s
            if late or self._checkpoints.is_due(self.parts.replay):
                self._save(screen)
                saved, unsaved = time.monotonic(), False
            late = time.monotonic() - measured >= self.config.strength.every_s
            if self._stretch() != stretch or (late and not self.config.strength.per_decade):
                yield self._strength(screen)
                measured, stretch = time.monotonic(), self._stretch()
        if not self._stopping:
            self._refuse_untrained()
        if unsaved:
            self._save(screen)
        if not self._stopping and not self._told_the_end():
            yield self._strength(screen, last=True)

    def _step_flops(self) -> float:
        """FLOPs forwards of a step, which is large where the net encodes problems beside."""
        forward = self.parts.progress.forward
        return math.inf if self.config.net.of_one_game else forward * self.config.learner.batch

    def _is_over(self) -> bool:
        """Whether no further iteration is begun."""
        return self._used_up() or self._stopping

    def _used_up(self) -> bool:
        """Whether the budget leaves nothing to train, or the run has waited long enough."""
        return self.parts.progress.share() >= 1.0 or self._patience.over

    def _refuse_untrained(self) -> None:
        """Raises ValueError where looking at the untrained net took all the time there was."""
        given = self.config.budget.seconds
        if self.parts.ledger.iteration == 0 and given is not None:
            enough = math.ceil(10 * self.parts.progress.seconds())
            raise ValueError(
                f"{self.folder.path} has learned nothing: its {given:g} s were used up before the "
                f"first iteration: give it more with --set budget.seconds={enough}"
            )

    def _told_the_end(self) -> bool:
        """Whether the net as it is now has been measured as the last one of a run is."""
        return self._measured_at == self.parts.ledger.positions and self._climbed()

    def _save(self, screen: TrainingScreen) -> None:
        screen.doing = "saving"
        self._checkpoints.save(self.parts, self.loop, screen.say)

    def _stretch(self) -> int:
        """Which of the equal stretches of log compute the run is in; 0 where none are asked for."""
        flops = max(1.0, sum(self.parts.progress.flops()))
        return math.floor(self.config.strength.per_decade * math.log10(flops))

    def _stop(self, screen: TrainingScreen, by_key: bool) -> None:
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

    def _strength(self, screen: TrainingScreen, last: bool = False) -> Report:
        screen.doing = "measuring its strength"
        parts = self.parts
        self._measured_at = parts.ledger.positions
        last = last or parts.progress.share() >= 1.0
        measured, answers, proved = self._meter.measure(parts.learner.acting, last)
        if answers is not None:
            write_answers(answers_path(self.folder.path, self._measured_at), answers)
        if proved:
            write_proved(self.folder.path, proved)
        costs = {**parts.progress.costs(), "net/parameters": self._parameters}
        scalars = {**measured, **self.loop.validate(), **costs}
        self._patience.refuse_unmeasured(scalars)
        self._patience.note(scalars)
        if self._patience.over:
            scalars[STOPPED] = 1.0
        return Report(self._measured_at, "strength", scalars)

    def _climbed(self) -> bool:
        """Whether the latest measurement has judged every search of `strength.ladder`."""
        if not self._meter.ladder or self._measured_at is None:
            return not self._meter.ladder
        try:
            answers = read_answers(answers_path(self.folder.path, self._measured_at))
        except ValueError:  # of an earlier version, or damaged
            return False
        return self._meter.ladder <= answers.mistakes.keys()

    def _told_before(self) -> tuple[dict[str, float], int | None]:
        """The latest metrics of a resumed run, and the step of its last look at the strength."""
        latest: dict[str, float] = {}
        measured_at = None
        for line in read_metrics(self.folder.path) if self._resumed else []:
            if line["step"] > self.parts.ledger.positions:
                continue
            latest = updated(latest, line)
            if line["phase"] == "strength":
                measured_at = line["step"]
                self._patience.note(line)
        return latest, measured_at

    def _prepare_folder(self) -> None:
        """Writes down what the run is, and clears away what a killed process left unfinished."""
        self._checkpoints.clear_away(self.parts.ledger.iteration, _tell)
        reached = self.parts.ledger.positions if self._resumed else None
        truncate_answers(self.folder.path, reached)
        self.folder.write_json("config.json", self.config.dump())
        trust.remember(self.config.game, self.folder.config_file)
        now = provenance(self.parts.setup.inference)
        before = self.folder.read_json("provenance.json") if self._resumed else {}
        resumed = [*objects_in(before, "resumed"), now] if before else []
        source = {"data": self.loop.source()} if self.loop.source() else {}
        told = {**(before or now), **source, "finished": False, "resumed": resumed}
        self.folder.write_json("provenance.json", told)


def _tell(sentence: str) -> None:
    """Tells the user while there is no screen."""
    print(sentence, file=sys.stderr)


@contextlib.contextmanager
def _threads_for(step: float) -> Iterator[None]:
    """torch computes a small ``step``, in FLOPs forwards, in one thread as long as this lasts.

    With two a busy machine makes it wait a hundredfold.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1 if step < _SMALL_STEP else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
