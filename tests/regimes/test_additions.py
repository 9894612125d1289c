"""A regime and a backend are added by one class each and a name in a union."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field
from tiny_runs import TINY, timeless_metrics

from selfplay import arrays
from selfplay.actors import Actors, Setup, Threads
from selfplay.actors.base import BackendSection, LocalActors
from selfplay.config import Config
from selfplay.lines.keys import canonical_obs_keys
from selfplay.nets import Net
from selfplay.regimes import SelfPlay
from selfplay.regimes.base import Loop, Parts, RegimeSection
from selfplay.training.folder import RunFolder
from selfplay.training.run import Training
from selfplay.types import Report


class Latest(RegimeSection):
    """Self-play that learns from the latest harvest only."""

    kind: Literal["latest"] = "latest"

    def open(self, parts: Parts) -> Loop:
        return LatestLoop(parts)


class LatestLoop(Loop):
    def iteration(self) -> Iterator[Report]:
        parts, actors = self.parts, self.parts.make_actors()
        samples = actors.collect(parts.learner.acting, 200)[0].samples
        made = arrays.length(samples)
        parts.ledger.note(made, canonical_obs_keys(parts.game, samples.obs), 1)
        yield Report(parts.ledger.positions, "learn", parts.fit(samples, parts.steps(made)))
        actors.close()


class Here(BackendSection):
    """Actors one after the other in the thread that asks."""

    kind: Literal["here"] = "here"

    def make_actors(self, setup: Setup, net: Net, seed: int) -> Actors:
        return LocalActors(setup, net, seed)


class Wider(Config):
    regime: Annotated[SelfPlay | Latest, Field(discriminator="kind")] = SelfPlay()
    backend: Annotated[Threads | Here, Field(discriminator="kind")] = Threads()


@pytest.mark.parametrize("regime", [{"kind": "latest"}, {"kind": "selfplay", "positions": 200}])
def test_they_train_and_the_backend_changes_no_number(regime: object, tmp_path: Path) -> None:
    sections = {"actor": {"games": 16, "threads": 2}, "budget": {"positions": 600}}
    for backend in ("threads", "here"):
        plain = {**TINY, **sections, "regime": regime, "backend": {"kind": backend}}
        outcome = Training(RunFolder(tmp_path / backend), Wider.model_validate(plain)).run()
        assert outcome.finished
        assert outcome.positions >= 600
    here, threads = (timeless_metrics(tmp_path / backend) for backend in ("here", "threads"))
    assert here == threads
    assert [line["phase"] for line in here].count("learn") == 3
