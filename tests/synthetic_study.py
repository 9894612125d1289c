"""A study with a known exchange rate: self-play against imitation of D games, position by position.

Rates of mistakes by regime: self-play ``0.3 (1e11 / C) ** ALPHA_C``, imitation of D games
``0.25 (60 / D) ** ALPHA_D`` from 1e12 FLOPs on and more before.  So C_match is a power law of
exponent ALPHA_D / ALPHA_C.  Who errs where follows from a normal number a position that regimes,
seeds and checkpoints share in part: mistakes of two seeds agree more than those of two regimes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from synthetic_runs import expert_data, write_run

import envs
from selfplay.compare.groups import Group
from selfplay.compare.records import F64, Points, Run, Settings
from selfplay.compare.redraws import redraws_of
from selfplay.measure.answers import Answers, answers_path, write_answers
from selfplay.stats import wilson
from selfplay.truth.positions import digest, read_positions, write_positions

NET = "strength/net_mistake_rate"
VALIDATION = "strength/validation_mistake_rate"
ALPHA_C, ALPHA_D = 0.25, 0.2
GAMES = (60, 200, 600, 2000, 6000, 20_000)
# of the variance of a position's number: by all, by a regime, by a seed; the rest by a checkpoint
SHARES = 0.45, 0.29, 0.20
SPREAD = 0.04  # of ln rate between seeds


def own_rate(flops: F64) -> F64:
    return 0.3 * (1e11 / flops) ** ALPHA_C


def plateau(games: float) -> float:
    """The best that imitation of so many games reaches."""
    return float(0.25 * (60 / games) ** ALPHA_D)


def taught_rate(games: float, flops: F64) -> F64:
    return plateau(games) * np.maximum(1.0, (1e12 / flops) ** 0.3)


def match_of(games: float) -> float:
    """The planted C_match."""
    return float(1e11 * (0.3 / plateau(games)) ** (1 / ALPHA_C))


class Positions(NamedTuple):
    """M positions, with what all who are judged on them share."""

    shared: F64  # [M]
    rng: np.random.Generator

    def regime(self) -> F64:
        """[M], what one regime adds."""
        return self.rng.standard_normal(len(self.shared))


def draw_positions(count: int, rng: np.random.Generator) -> Positions:
    return Positions(rng.standard_normal(count), rng)


def mistakes_of(positions: Positions, regime: F64, rates: F64) -> NDArray[np.bool_]:
    """[P, M]: the mistakes of one run whose expected rates, [P, 1] or [P, M], these are."""
    rng, count = positions.rng, len(positions.shared)
    seed = rng.standard_normal(count)
    parts = np.sqrt([*SHARES, 1 - sum(SHARES)])
    noise = rng.standard_normal((len(rates), count))
    number = parts[0] * positions.shared + parts[1] * regime + parts[2] * seed + parts[3] * noise
    return number < ndtri(rates)


def planted_run(
    positions: Positions,
    regime: F64,
    flops: F64,
    rates: F64,
    seed: int,
    validated: bool = True,
    answered: bool = True,
) -> Run:
    """A run of these expected rates times its seed's factor, measured on the positions."""
    rng = positions.rng
    rates = np.minimum(0.9, rates * np.exp(SPREAD * rng.standard_normal()))
    wrong = mistakes_of(positions, regime, rates[:, None])
    shares = np.array([wilson(float(row.sum()), wrong.shape[1]) for row in wrong]).T
    columns = dict(zip((NET, f"{NET}_low", f"{NET}_high"), shares, strict=True))
    if validated:
        columns[VALIDATION] = rng.binomial(1000, rates) / 1000
    found = {
        i: Answers("0" * 16, {"net": row}, {"net": np.where(row, 0.2, 0.8).astype(np.float32)})
        for i, row in enumerate(wrong)
    }
    zero = np.zeros(len(flops))
    points = Points(flops, zero, flops / 1e10, zero, zero, columns)
    if answered:
        points = points._replace(redraws=redraws_of(found, len(flops)))
    settings = Settings("tictactoe", 64, "")
    return Run(
        Path(str(seed)), settings, "selfplay", seed, "", None, None, "mlp", 1000, "", None, (),
        True, points,
    )  # fmt: skip


def planted_study(
    rng: np.random.Generator,
    positions: int = 1000,
    seeds: tuple[int, int] = (8, 5),
    reach: tuple[float, float] = (1e11, 4e13),
    games: Sequence[int] = GAMES,
    validated: bool = True,
    answered: bool = True,
) -> list[Group]:
    """Self-play and imitation of all amounts, by (own, taught) seeds; one draw of positions.

    ``reach``: where the curve of self-play begins and ends.
    """
    drawn = draw_positions(positions, rng)
    judged = validated, answered
    flops = np.geomspace(*reach, 1 + round(6 * np.log10(reach[1] / reach[0])))
    own = drawn.regime()
    runs = [planted_run(drawn, own, flops, own_rate(flops), i, *judged) for i in range(seeds[0])]
    groups = [Group("self-play", "selfplay", "", None, None, 1000, None, tuple(runs))]
    taught, flops = drawn.regime(), 10 ** np.arange(11, 13.01, 1 / 6)
    for count in games:
        rates = taught_rate(count, flops)
        runs = [planted_run(drawn, taught, flops, rates, i, *judged) for i in range(seeds[1])]
        options = (("regime.games", str(count)),)
        runs = [
            run._replace(kind="imitation", games=count, expert="solver", options=options)
            for run in runs
        ]
        label = f"imitation, {count:,} games"
        fields = (label, "imitation", "solver", count, None, 1000, None, tuple(runs))
        groups.append(Group(*fields))
    return groups


PLAYERS = {"net": ("net_", 1.0), "value": ("value_", 0.8), "search": ("", 0.6)}


def write_study(
    folder: Path,
    experts: Sequence[str] = ("solver", "solver, temperature 1", "solver, temperature 2"),
    games: Sequence[int] = GAMES,
    seeds: tuple[int, int] = (20, 10),
    positions: int = 6000,
    checkpoints: int = 15,
    later: Sequence[float] = (1.0,),
) -> Path:
    """The same as folders of runs, with answers of three players to each position.

    200 runs unless told otherwise; what the experts teach is the same, so are the laws.  The
    positions are of as many sources as ``later`` is long, in turn, and own games learn those of
    each so many times later.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = write_sources(folder / "positions.csv.gz", positions, len(later))
    drawn = draw_positions(positions, np.random.default_rng(0))
    own, flops = drawn.regime(), np.geomspace(1e11, 3e13, checkpoints)
    delay = np.resize(later, positions)
    for seed in range(seeds[0]):
        rates = own_rate(flops[:, None] / delay)
        _write_judged(folder / f"own-{seed}", drawn, file, own, flops, rates, seed, {})
    for expert in experts:
        taught, flops = drawn.regime(), np.geomspace(1e11, 1e13, checkpoints)
        for count in games:
            rates = taught_rate(count, flops)[:, None]
            data = {
                "kind": "imitation",
                "regime": {"data": f"runs/data/{expert}", "games": count},
                "data": expert_data(count, expert),
                "expert_s": count / 10,
            }
            for seed in range(seeds[1]):
                name = f"imitation-{expert.replace(' ', '-')}-{count}-{seed}"
                _write_judged(folder / name, drawn, file, taught, flops, rates, seed, data)
    (folder / "sweep.json").write_text("{}")
    return folder


class File(NamedTuple):
    """A position file."""

    path: Path
    digest: str


def write_sources(path: Path, count: int, sources: int) -> File:
    """So many positions of tic-tac-toe after three moves, over and over, of each source in turn."""
    game = envs.make("tictactoe")
    lines = [(i, j, k) for i in range(9) for j in range(9) for k in range(9) if len({i, j, k}) == 3]
    moves = [lines[i % len(lines)] for i in range(count)]
    scores = np.zeros((count, 9), np.float32)
    np.put_along_axis(scores, np.array(moves), np.nan, axis=1)
    write_positions(game, path, [f"source {i % sources}" for i in range(count)], moves, scores)
    return File(path, digest(read_positions(game, path)))


def _write_judged(
    folder: Path,
    positions: Positions,
    file: File,
    regime: F64,
    flops: F64,
    rates: F64,
    seed: int,
    options: dict[str, Any],
) -> None:
    """A run's folder, in which metrics and answers agree."""
    judged = {"positions": str(file.path)}
    write_run(folder, lambda _: 0.2, seed=seed, flops=flops, spread=0.0, strength=judged, **options)
    factor = float(np.exp(SPREAD * positions.rng.standard_normal()))
    wrong = {
        player: mistakes_of(positions, regime, ease * factor * rates)
        for player, (_, ease) in PLAYERS.items()
    }
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    measured = [line for line in lines if line["phase"] == "strength"]
    for at, line in enumerate(measured):
        now = {player: rows[at] for player, rows in wrong.items()}
        mass = {player: np.where(row, 0.3, 0.9).astype(np.float32) for player, row in now.items()}
        write_answers(answers_path(folder, line["step"]), Answers(file.digest, now, mass))
        for player, (stem, _) in PLAYERS.items():
            share = wilson(float(now[player].sum()), len(now[player]))
            line |= share.scalars(f"strength/{stem}mistake_rate")
        line["strength/optimal_mass"] = float(mass["search"].mean())
        line["strength/policy_cross_entropy"] = float(-np.log(mass["net"]).mean())
        line["strength/net_optimal_mass"] = float(mass["net"].mean())
        line[VALIDATION] = float(positions.rng.binomial(6000, factor * rates[at].mean()) / 6000)
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
