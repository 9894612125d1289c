"""Imitation, then self-play: the first ends for good."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

from selfplay.regimes.base import Loop, Parts
from selfplay.regimes.mixture import MixtureLoop
from selfplay.types import Report


class Named(Loop):
    def __init__(self, name: str, parts: Parts) -> None:
        super().__init__(parts)
        self._name = name

    def iteration(self) -> Iterator[Report]:
        yield Report(0, self._name, {})

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, saved: object) -> None:
        pass


def test_a_larger_budget_does_not_bring_imitation_back() -> None:
    used = [0.0]
    ledger = SimpleNamespace(games=0)
    progress = SimpleNamespace(share=lambda: used[0])
    parts = cast("Parts", SimpleNamespace(progress=progress, ledger=ledger))

    def loop() -> MixtureLoop:
        return MixtureLoop(Named("imitation", parts), Named("selfplay", parts), 0.2, parts)

    first = loop()
    phases = []
    for used[0] in (0.1, 0.2, 0.5, 0.05):
        (report,) = first.iteration()
        phases.append(report.phase)
    assert phases == ["imitation", "selfplay", "selfplay", "selfplay"]
    resumed, older, begins = loop(), loop(), loop()
    resumed.load_state_dict(first.state_dict())
    begins.load_state_dict(loop().state_dict())
    ledger.games = 3  # of a checkpoint that does not say which it was at
    older.load_state_dict({"first": {}, "second": {}})
    phases = [report.phase for each in (resumed, older, begins) for report in each.iteration()]
    assert phases == ["selfplay", "selfplay", "imitation"]
