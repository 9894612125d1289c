"""Proving: problems are served, tried, and the proofs that are found are learned from.

At first the search is unguided (iterative deepening); once every problem has been tried the net
guides it, on problems at the edge of what it can do.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from envs.proving.game import Proving
from selfplay import arrays
from selfplay.cached import Usage
from selfplay.learning.samples import joined
from selfplay.lines.keys import canonical_obs_keys
from selfplay.proving.curriculum import Matchmaker
from selfplay.proving.trials import Trial
from selfplay.proving.workers import Effort, How, TrialSetup, TrialWorkers
from selfplay.regimes.base import Look, Loop, Parts, RegimeSection
from selfplay.section import Metric
from selfplay.types import Report

_RATES = [(low, low + 20) for low in range(0, 100, 20)]  # in per cent, that are reported
_RATE = "share of the problems served whose success rate over the last 12 tries lay from"


class Prove(RegimeSection):
    """Section ``[regime]`` with ``kind = "prove"``: for the proving game."""

    looks = (
        Look("prove", "guided proving", "#3a3fd4", "#959bff"),
        Look(
            "unguided",
            "unguided proving",
            "#6f6557",
            "#b9ac99",
            asks_net=False,
            note="unguided proving asks no net: its FLOPs are those of a net that learned beside "
            "it, and it is as good without them",
        ),
    )
    position_cost = "unknown"
    begins_with = "proving"
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric("prove/guided", "1 where the net guided the trials of the round, else 0"),
        Metric("prove/trials", "problems tried in the round", label="tried"),
        Metric("prove/proved", "problems proved of these", label="proved of these"),
        Metric(
            "prove/new", "training problems proved for the first time", label="for the first time"
        ),
        Metric("prove/ever", "training problems proved ever", label="proved ever"),
        Metric(
            "prove/length", "mean moves of the round's proofs", label="moves a proof", form="{:.1f}"
        ),
        Metric(
            "prove/served_at_edge",
            "share of the problems served with a success rate from 0.2 to 0.8",
            "share",
            label="served at the edge",
            form="{:.0%}",
        ),
        Metric("prove/inferences_per_s", "inferences / seconds of the round", label="inferences/s"),
        Metric("prove/proved_share", "`prove/proved` / `prove/trials`", "share"),
        Metric("prove/ever_share", "`prove/ever` / training problems", "share"),
        Metric(
            "prove/uniform_at_edge",
            "share of all training problems with a success rate from 0.2 to 0.8",
            "share",
        ),
        Metric("prove/refused", "proofs that the checker did not accept (they count as failures)"),
        Metric("prove/hindsight", "theorems out of failed trials"),
        Metric("prove/net_share", "seconds in the net / (seconds of the round x workers)", "share"),
        Metric(
            "prove/idle_share",
            "seconds in which workers had nothing to do / (seconds of the round x workers)",
            "share",
        ),
        Metric("prove/lost", "workers that died in the round; others tried their problems again"),
        Metric("prove/seconds", "seconds of the round", "s"),
        *(
            Metric(f"prove/rate_{low}_to_{high}", f"{_RATE} {low}% to {high}%", "share")
            for low, high in _RATES
        ),
    )

    kind: Literal["prove"] = "prove"
    trials: int = Field(256, ge=1, le=10**6)
    """problems tried between two updates of the net"""
    inferences: int = Field(2000, ge=1, le=10**9)
    """of a guided trial"""
    unguided_inferences: int = Field(20_000, ge=1, le=10**9)
    """of a trial without the net"""
    unguided_rounds: int = Field(1, ge=0, le=10**6)
    """times every problem is tried without the net first; after the first time with its clauses in
    random orders"""
    guided: bool = True
    """false: the search never asks the net, which imitates the proofs found"""
    lanes: int = Field(64, ge=1, le=10_000)
    """problems tried side by side, which a worker that is free takes: no more than `trials / lanes`
    of them work at a time once the net guides"""
    matchmaker: bool = True
    """false: all problems are served alike"""
    folds: int = Field(0, ge=0, le=1000)
    """parts into which the problems are dealt by their names, of which a run keeps aside the one of
    its seed: runs of so many seeds in turn judge every problem; 0 = the same 15% are kept aside"""
    failures: int = Field(4, ge=0, le=10**6)
    """positions of a failed trial whose value is learned"""
    hindsight: int = Field(2, ge=0, le=10**6)
    """theorems out of a failed trial, at most"""
    smoothing: float = Field(0.1, ge=0, lt=1)
    """share of a proof's policy target that goes to all possible inferences"""

    def open(self, parts: Parts) -> ProveLoop:
        """Raises ValueError when the game is another."""
        if not isinstance(parts.game, Proving):
            raise ValueError(
                f"regime.kind = 'prove' is for game = 'proving'; {parts.game.name} is learned by "
                f"regime.kind = 'selfplay'"
            )
        return ProveLoop(self, parts, parts.game)

    @classmethod
    def compared_as(cls, config: Mapping[str, Any]) -> tuple[str, str]:
        """A prover learns from proofs that its net helps to find, imitates those of the search
        without a net, or is that search alone.
        """
        if not config["strength"]["guided"]:
            return "unguided", ""  # whatever it learned, it was measured without
        return ("prove", "") if config["regime"]["guided"] else ("imitation", "the unguided search")


class ProveLoop(Loop):
    """Serves problems, tries them, learns."""

    def __init__(self, section: Prove, parts: Parts, game: Proving) -> None:
        super().__init__(parts)
        self._section, self._game = section, game
        self._rng = np.random.default_rng(parts.seed)
        count = len(game.library.forms)
        self._match = Matchmaker(count, uniform=not section.matchmaker)
        self._train = np.flatnonzero(~game.held_out)
        if not len(self._train):
            raise ValueError(
                f"all {count:,} problems are kept aside to be judged on, which their names decide, "
                f"so there is nothing to learn from: give more problems"
            )
        self._unguided = np.zeros(count, np.int64)  # trials without the net, of each problem
        self._length = np.zeros(count, np.int64)  # inferences of the shortest proof; 0: none yet
        self._count = parts.workers()
        effort = Effort(*(getattr(section, name) for name in Effort._fields))
        inference = parts.setup.inference
        if parts.backend.remote:
            inference = inference._replace(device="cpu")
        setup = TrialSetup(game, parts.setup.search, effort, inference)
        self._workers = TrialWorkers(setup, self._count, parts.backend.make_workers)

    def iteration(self) -> Iterator[Report]:
        parts = self.parts
        begun = time.perf_counter()
        fresh, first = self._fresh()
        guided = self._section.guided and not len(fresh)
        how: How = "guided" if guided else "in order" if first else "shuffled"
        uniform_edge = self._match.at_edge(self._train)
        served, rates = self._served(fresh)
        edge = self._match.at_edge(served)
        batches = self._workers.work(parts.learner.acting, served, how, self._rng)
        seconds = time.perf_counter() - begun
        worked_s = sum(batch.seconds for batch in batches)
        trials = [trial for batch in batches for trial in batch.trials]
        new = self._note(trials, guided, bool(len(fresh)))
        samples = [sample for batch in batches for sample in batch.samples]
        usage = Usage(*(sum(column) for column in zip(*(b.usage for b in batches), strict=True)))
        scalars = {
            "prove/guided": float(guided),
            **self._summary(trials, rates),
            "prove/new": new,
            "prove/refused": sum(batch.refused for batch in batches),
            "prove/hindsight": sum(batch.parts for batch in batches),
            "prove/inferences_per_s": sum(trial.inferences for trial in trials) / seconds,
            "prove/lost": self._workers.take_lost(),
            "prove/net_share": usage.seconds / (seconds * self._count),
            "prove/idle_share": max(0.0, 1.0 - worked_s / (seconds * self._count)),
            "prove/seconds": seconds,
            "prove/served_at_edge": edge,
            "prove/uniform_at_edge": uniform_edge,
        }
        if not samples and not parts.replay.total:
            raise ValueError(
                "nothing was proved in the first round, so there is nothing to learn from: allow "
                "more with --set regime.unguided_inferences=..., or give easier problems"
            )
        ledger = parts.ledger
        ledger.games += len(trials)
        ledger.pay(usage)
        ledger.tree_s += usage.tree_s
        steps = 0
        if samples:
            fresh_samples = joined(samples)
            parts.replay.add(fresh_samples)
            made = arrays.length(fresh_samples)
            keys = canonical_obs_keys(parts.game, fresh_samples.obs)
            ledger.note(made, keys, len(parts.replay))
            steps = parts.steps(made)
        yield Report(ledger.positions, "prove", scalars)
        window, raw = parts.replay.window()
        # what dropout leaves out depends on the iteration alone: a resumed run is the same run
        drawn = np.random.SeedSequence((parts.seed, ledger.iteration)).generate_state(1)
        torch.manual_seed(int(drawn[0]))
        scalars = parts.fit(window, steps)
        scalars["learn/window"] = raw
        yield Report(ledger.positions, "learn", scalars)

    def _served(self, fresh: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The problems of a round, and how often each is proved at present."""
        if len(fresh):
            served = self._rng.permutation(fresh)[: self._section.trials]
        else:
            served = self._match.serve(self._section.trials, self._train, self._rng)
        rates = self._match.rates()[served]
        # the hardest first: no long trial begins late, and those side by side are about as long
        order = np.argsort(np.nan_to_num(rates, nan=0.5), kind="stable")
        return served[order], rates[order]

    def _fresh(self) -> tuple[NDArray[np.int64], bool]:
        """The problems to be tried without the net first, and whether none of them ever was."""
        rounds = self._section.unguided_rounds
        open_ = self._train[~self._match.refuted[self._train]]
        tries = self._unguided[open_]
        fewest = int(tries.min(initial=rounds))
        if fewest == rounds:
            return open_[:0], False
        return open_[tries == fewest], fewest == 0

    def _note(self, trials: list[Trial], guided: bool, fresh: bool) -> int:
        """Remembers how the trials ended; how many problems were proved for the first time.

        What the matchmaker goes by are results of the prover that learns, not of the first rounds.
        """
        new, records = 0, []
        for trial in sorted(trials, key=lambda trial: trial.problem):
            problem = trial.problem
            self._unguided[problem] += not guided
            refuted = trial.exhausted and not guided
            if fresh:
                self._match.refuted[problem] |= refuted
            else:
                self._match.note(problem, trial.proved, refuted)
            if trial.proved:
                new += self._length[problem] == 0
                best = self._length[problem] or trial.inferences
                self._length[problem] = max(1, min(best, trial.inferences))
                name = self._game.library.forms[problem].name
                moves = " ".join(str(action + 1) for action in trial.actions)
                records.append(f"{name}: {moves} # inferences {trial.inferences}")
        self.records = records
        return int(new)

    def _summary(self, trials: list[Trial], rates: NDArray[np.float64]) -> dict[str, float]:
        """Those of ``prove/*`` that are of the trials, of all problems and of what was served."""
        moves = [len(trial.actions) for trial in trials if trial.proved]
        ever = self._length[self._train] > 0
        known = rates[~np.isnan(rates)]
        counts, _ = np.histogram(known, len(_RATES), (0.0, 1.0))
        return {
            "prove/trials": len(trials),
            "prove/proved": len(moves),
            "prove/proved_share": len(moves) / max(1, len(trials)),
            "prove/ever": int(ever.sum()),
            "prove/ever_share": float(ever.mean()),
            "prove/length": float(np.mean(moves)) if moves else float("nan"),
            **{
                f"prove/rate_{low}_to_{high}": count / len(known) if len(known) else float("nan")
                for (low, high), count in zip(_RATES, counts, strict=True)
            },
        }

    def state_dict(self) -> dict[str, Any]:
        return {
            "rng": json.dumps(self._rng.bit_generator.state),
            "match": self._match.state_dict(),
            "unguided": self._unguided.copy(),
            "length": self._length.copy(),
        }

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        self._match.load_state_dict(saved["match"])
        self._rng.bit_generator.state = json.loads(saved["rng"])
        self._unguided = np.asarray(saved["unguided"])
        self._length = np.asarray(saved["length"])

    def source(self) -> dict[str, Any]:
        return {
            "path": self._game.problems or "own problems",
            "problems": len(self._game.library.forms),
            "held_out": int(self._game.held_out.sum()),
        }

    def cancel(self) -> None:
        self._workers.cancel()

    def close(self) -> None:
        self._workers.close()
