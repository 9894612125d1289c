"""The curves of a run as the page draws them: charts of series over the seconds of training."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from selfplay.training.metrics import ENDS
from selfplay.training.metrics_file import updated
from selfplay.training.summary import HEADLINES

_MOST = 400  # points of a series that are sent: more than a screen shows
_LOSSES = ("learn/policy_loss", "learn/value_loss")
_RATES = ("selfplay/simulations_per_s", "prove/inferences_per_s")
_TITLES = {
    "strength/mistake_rate": "Mistakes, against the truth",
    "strength/own_mistake_rate": "Mistakes in its own games, against the truth",
    "strength/proved": "Test problems proved",
}
_NAMES = {
    "strength/mistake_rate": "with search",
    "strength/net_mistake_rate": "net alone",
    "strength/own_mistake_rate": "with search",
    "strength/own_net_mistake_rate": "net alone",
    "learn/policy_loss": "policy loss",
    "learn/value_loss": "value loss",
    "selfplay/simulations_per_s": "simulations/s",
    "prove/inferences_per_s": "inferences/s",
    "strength/proved": "proved",
}
_JUDGED = "strength/mistake_rate"  # on the positions of a file, on which a random move errs too


class Moment(NamedTuple):
    """When something was told."""

    seconds: float  # of training
    positions: int


class Curves:
    """What the reports of a run add up to; ``add`` them in the file's order."""

    def __init__(self) -> None:
        self.latest: dict[str, float] = {}
        self.now = Moment(0.0, 0)
        self.phase = ""  # of the last report
        self.phases: set[str] = set()
        self.times: list[float] = []  # of the last two reports, in seconds since 1970
        self.learned: list[Moment] = []  # at the end of each iteration
        self._points: dict[str, list[list[float]]] = {}

    def add(self, reports: Iterable[dict[str, Any]]) -> None:
        for line in reports:
            self._add(line)

    def _add(self, line: dict[str, Any]) -> None:
        phase = line["phase"]
        seconds = line.get("cost/wall_s")
        if seconds is None:  # told before the iteration ended
            seconds = self.now.seconds + line.get(f"{phase}/seconds", 0.0)
        else:
            # the clock of a resumed run goes on from its checkpoint, and may have told later
            # moments before
            seconds = max(seconds, self.now.seconds)
            self.now = Moment(seconds, int(line["step"]))
        at = Moment(float(seconds), int(line["step"]))
        if phase == "learn":
            self.learned.append(at)
        for name in line:
            if name in _LOSSES or name in _RATES or name.startswith("strength/"):
                if name.endswith(ENDS) or name.count("/") > 1:
                    continue
                ends = [line[name + end] for end in ENDS if name + end in line]
                points = self._points.setdefault(name, [])
                since = max(at.seconds, points[-1][0]) if points else at.seconds
                points.append([since, at.positions, line[name], *ends])
        self.latest = updated(self.latest, line)
        self.phase = phase
        self.phases.add(phase)
        if "time" in line:
            self.times = [*self.times[-1:], float(line["time"])]

    @property
    def headline(self) -> tuple[str, ...]:
        """The metric that stands for the strength, and that of the net alone; none before any."""
        for name, net in HEADLINES:
            if name in self._points:
                return (name, net) if net in self._points else (name,)
        return tuple(name for name in self._points if name.startswith("strength/vs_"))

    def charts(self, random: float | None) -> list[dict[str, Any]]:
        """Strength, losses and speed as JSON, those of them that there are.

        ``random``: the share of mistakes of random moves, where it is known.
        """
        names = self.headline
        head = names[0] if names else ""
        levels = [["a random move", random]] if random is not None and head == _JUDGED else []
        told = [
            self._chart(
                "strength", _TITLES.get(head, "Score against others"), "share", names, levels
            ),
            self._chart("losses", "Losses", "nats", _LOSSES),
            self._chart("speed", "Speed", "per_s", _RATES),
        ]
        return [chart for chart in told if chart["series"]]

    def _chart(
        self, key: str, title: str, unit: str, names: Iterable[str], levels: list[Any] | None = None
    ) -> dict[str, Any]:
        series = [
            {"name": _name(name), "points": _thinned(self._points[name])}
            for name in names
            if name in self._points
        ]
        return {"key": key, "title": title, "unit": unit, "series": series, "levels": levels or []}


def _name(metric: str) -> str:
    """What a series is called beside its curve."""
    if metric in _NAMES:
        return _NAMES[metric]
    if metric.startswith("strength/vs_"):
        return f"against {metric.removeprefix('strength/vs_')}"
    return metric.partition("/")[2].replace("_", " ")


def _thinned(points: list[list[float]]) -> list[list[float]]:
    """At most so many points as a screen shows, the first and the last among them."""
    stride = -(-len(points) // _MOST)
    kept = points[::stride]
    if kept[-1] is not points[-1]:
        kept.append(points[-1])
    return [[float(f"{number:.7g}") for number in point] for point in kept]
