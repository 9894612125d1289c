"""Self-play: the net plays itself with search and learns from what the search found."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from selfplay import arrays
from selfplay.actor import Tally
from selfplay.evaluator import Usage
from selfplay.learner import Fit
from selfplay.openings import canonical_obs_keys
from selfplay.regimes.workshop import Workshop
from selfplay.types import Report


class SelfPlay(BaseModel):
    """Section ``[regime]`` with ``kind = "selfplay"``: AlphaZero's loop (Silver et al. 2018)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["selfplay"] = "selfplay"
    positions: int = Field(8192, ge=1)  # new positions between two updates of the acting net

    def iteration(self, shop: Workshop) -> Iterator[Report]:
        """Plays, then learns; yields what happened in each half."""
        ledger, learner = shop.ledger, shop.learner
        start = time.perf_counter()
        harvest, usage = shop.actors.collect(learner.acting, self.positions)
        played_s = time.perf_counter() - start
        shop.replay.add(harvest.samples)
        shop.records = harvest.records
        made = arrays.length(harvest.samples)
        keys = canonical_obs_keys(shop.game, harvest.samples.obs)
        ledger.note(made, keys, len(shop.replay))
        ledger.games += int(harvest.tally.games)
        ledger.evaluations += usage.evaluated
        yield Report(ledger.positions, "selfplay", _played(harvest.tally, usage, played_s))

        start = time.perf_counter()
        window, raw = shop.replay.window()
        steps = max(1, round(made * learner.section.reuse / learner.section.batch))
        fit = learner.fit(window, steps, shop.progress())
        ledger.samples += steps * min(learner.section.batch, arrays.length(window))
        ledger.iteration += 1
        scalars = _learned(fit, time.perf_counter() - start)
        scalars["learn/reuse"] = ledger.samples / ledger.positions
        scalars["learn/window"] = raw
        scalars["learn/staleness"] = ledger.staleness(raw)
        scalars["selfplay/unique"] = arrays.length(window) / raw
        yield Report(ledger.positions, "learn", scalars | _costs(shop))


def _played(tally: Tally, usage: Usage, seconds: float) -> dict[str, float]:
    """``selfplay/*`` and ``search/*`` of one iteration."""
    games, moves = max(1.0, tally.games), max(1.0, tally.moves)
    return {
        "selfplay/games": tally.games,
        "selfplay/length": tally.length / games,
        "selfplay/first_wins": tally.first_wins / games,
        "selfplay/draws": tally.draws / games,
        "selfplay/simulations_per_s": tally.simulations / seconds,
        "selfplay/evaluations_per_s": usage.evaluated / seconds,
        "selfplay/seconds": seconds,
        "search/evaluations_per_simulation": usage.evaluated / max(1.0, tally.simulations),
        "search/kl_target_prior": tally.kl_target_prior / moves,
        "search/entropy": tally.entropy / moves,
        "search/depth": tally.depth / moves,
        "search/value_gain": tally.value_gain / moves,
        "search/solved": tally.solved / moves,
    }


def _learned(fit: Fit, seconds: float) -> dict[str, float]:
    """``learn/*`` of one iteration."""
    return {
        "learn/policy_loss": fit.policy_loss,
        "learn/kl": fit.kl,
        "learn/value_loss": fit.value_loss,
        "learn/value_explained": fit.value_explained,
        "learn/grad_norm": fit.grad_norm,
        "learn/lr": fit.lr,
        "learn/steps": fit.steps,
        "learn/seconds": seconds,
    }


def _costs(shop: Workshop) -> dict[str, float]:
    """``cost/*`` of the run so far; a backward pass counts as two forward passes."""
    ledger = shop.ledger
    return {
        "cost/flops_learn": 3.0 * shop.flops * ledger.samples,
        "cost/flops_generate": float(shop.flops) * ledger.evaluations,
        "cost/samples": ledger.samples,
        "cost/positions_unique": ledger.unique(),
        "cost/effective_epochs": ledger.samples / ledger.unique(),
        "cost/games": ledger.games,
        "cost/wall_s": shop.seconds(),
    }
