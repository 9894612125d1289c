"""The workers of a round: each problem once, checked proofs, the same for a seed."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from provers import moves_are_accepted

from envs.proving.calculus.matrix import build_library
from envs.proving.game import OWN, Proving, load_library
from envs.proving.proofs.extract import proof_of
from envs.proving.proofs.proof import Proof
from selfplay import arrays
from selfplay.cached import CancelledError
from selfplay.config import parse_config
from selfplay.learning.samples import joined
from selfplay.nets import Net
from selfplay.nets.clock import DeviceClock
from selfplay.nets.inference import EvaluatorSection
from selfplay.proving import lessons
from selfplay.proving.measure import ProblemsSection, ProvedProblems
from selfplay.proving.workers import Effort, How, RoundPart, TrialSetup, TrialWorkers
from selfplay.search import Puct
from selfplay.types import Evaluation

EFFORT = Effort(
    inferences=60, unguided_inferences=500, lanes=8, failures=3, hindsight=2, smoothing=0.1
)
SEARCH = Puct(simulations=15, look_ahead=False)
ALL = np.arange(22)  # problems


@pytest.fixture(scope="module")
def game() -> Proving:
    """Twenty-two of Pelletier's problems, from easy to hard."""
    forms = load_library(str(OWN / "pelletier")).forms
    return Proving(library=build_library(forms[18:40]))


@pytest.fixture(scope="module")
def net(game: Proving) -> Net:
    torch.manual_seed(0)
    section = parse_config({"net": {"kind": "walks", "features": 8, "width": 16}}).net
    return section.build(game)


def hired(game: Proving, net: Net, workers: int = 1, lanes: int = 22) -> TrialWorkers:
    inference = EvaluatorSection(device="cpu", precision="float32", cache=64).inference(net, game)
    setup = TrialSetup(game, SEARCH, EFFORT._replace(lanes=lanes), inference)
    return TrialWorkers(setup, workers)


def tried(game: Proving, net: Net, how: How, seed: int = 7) -> RoundPart:
    """All problems by a single worker, with the net side by side."""
    parts = hired(game, net).work(net, ALL, how, np.random.default_rng(seed))
    assert len(parts) == (1 if how == "guided" else 3)
    return RoundPart(
        [trial for part in parts for trial in part.trials],
        [sample for part in parts for sample in part.samples],
        sum(part.refused for part in parts),
        sum(part.parts for part in parts),
        parts[0].usage,
        sum(part.seconds for part in parts),
    )


@pytest.fixture(scope="module")
def guided(game: Proving, net: Net) -> RoundPart:
    return tried(game, net, "guided")


@pytest.fixture(scope="module")
def unguided(game: Proving, net: Net) -> RoundPart:
    return tried(game, net, "in order")


def accepted(game: Proving, batches: list[RoundPart]) -> set[int]:
    """The problems proved, once each proof has been checked."""
    proved = set()
    for trial in (trial for batch in batches for trial in batch.trials):
        assert trial.seen == ()
        assert trial.furthest is None
        if not trial.proved:
            assert trial.actions == ()
            continue
        proved.add(trial.problem)
        assert moves_are_accepted(game, trial.problem, trial.actions)
    return proved


def plain(batch: RoundPart) -> list[Any]:
    """All that a seed decides."""
    return [
        [trial._replace(seconds=0.0) for trial in batch.trials],
        [leaf.tolist() for sample in batch.samples for leaf in arrays.leaves(sample)],
        batch.refused,
        batch.parts,
        batch.usage.evaluated,
    ]


def test_a_seed_decides_the_batch(game: Proving, net: Net, guided: RoundPart) -> None:
    assert plain(tried(game, net, "guided")) == plain(guided)
    assert plain(tried(game, net, "guided", seed=8)) != plain(guided)


def test_each_problem_is_tried_once_within_its_inferences(
    game: Proving, guided: RoundPart, unguided: RoundPart
) -> None:
    for batch, most in ((guided, EFFORT.inferences), (unguided, EFFORT.unguided_inferences)):
        assert sorted(trial.problem for trial in batch.trials) == list(range(22))
        assert batch.refused == 0
        assert 5 <= len(accepted(game, [batch])) < 22
        assert all(trial.inferences <= most for trial in batch.trials if trial.proved)
        assert (batch.usage.evaluated > 0) == (batch is guided)


def test_proofs_teach_policy_and_value_and_failures_value_alone(
    guided: RoundPart, unguided: RoundPart
) -> None:
    won, lost = [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]
    proved = joined(unguided.samples)
    assert (proved.value == won).all()
    assert (proved.policy_weight == 1.0).all()
    np.testing.assert_allclose(proved.policy.sum(axis=1), 1.0, rtol=1e-5)
    options = (proved.actions >= 0).sum(axis=1)
    np.testing.assert_allclose(proved.policy.max(axis=1), 0.9 + 0.1 / options, rtol=1e-5)
    assert unguided.parts == 0  # without positions of the game there is nothing to look back on
    failed = [sample for sample in guided.samples if (sample.value == lost).all()]
    assert len(failed) >= 3
    assert all(1 <= len(sample.value) <= EFFORT.failures for sample in failed)
    assert all((sample.policy_weight == 0.0).all() for sample in failed)
    assert all((sample.value_weight == 1.0).all() for sample in failed)


def test_a_proof_that_the_checker_refuses_counts_as_none(
    game: Proving, net: Net, unguided: RoundPart, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One literal of every proof is turned round before it is checked."""

    def turned(*what: Any) -> Proof:
        proof = proof_of(*what)
        first, *others = proof.nodes
        literal = first.literal._replace(positive=not first.literal.positive)
        return proof._replace(nodes=(first._replace(literal=literal), *others))

    section = ProblemsSection(inferences=500, guided=False)
    measured = ProvedProblems(game.keeping(0, 2), section)
    unasked: Any = None  # by the unguided search
    before = measured.measure(SEARCH, unasked)["strength/proved"]
    monkeypatch.setattr(lessons, "proof_of", turned)
    assert measured.measure(SEARCH, unasked)["strength/proved"] == 0 < before
    batch = tried(game, net, "in order")
    assert batch.refused == sum(trial.proved for trial in unguided.trials) > 0
    assert not any(trial.proved or trial.actions for trial in batch.trials)
    assert batch.samples == []


def test_a_proof_that_the_game_has_no_room_for_counts_as_none(
    game: Proving, net: Net, unguided: RoundPart
) -> None:
    """The unguided search finds it, but nobody could check it move by move."""
    small = Proving(nodes=12, library=game.library)
    batch = tried(small, net, "in order")
    assert 0 < len(accepted(small, [batch])) < len(accepted(game, [unguided]))
    assert batch.refused == 0


def test_a_cancelled_round_is_given_up(game: Proving, net: Net) -> None:
    workers = hired(game, net)
    workers.work(net, np.array([0]), "in order", np.random.default_rng(0))
    workers.cancel()
    with pytest.raises(CancelledError):
        workers.work(net, ALL, "in order", np.random.default_rng(0))


# by several workers -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def graphs(game: Proving) -> Proving:
    """The game for a net that knows the problems, which go to other processes too."""
    return Proving(library=game.library, view="graph")


def graph_net(game: Proving, seed: int) -> Net:
    torch.manual_seed(seed)
    section = {"kind": "graph", "features": 8, "width": 8, "rounds": 1}
    return parse_config({"net": section}).net.build(game)


def rounds(game: Proving, workers: TrialWorkers) -> list[Any]:
    """Three rounds of all problems in another order, the weights others each time."""
    rng, found = np.random.default_rng(7), []
    every: tuple[How, ...] = ("shuffled", "guided", "guided")
    for seed, how in enumerate(every):
        net = graph_net(game, seed)
        parts = workers.work(net, rng.permutation(ALL), how, rng)
        assert accepted(game, parts)
        assert [len(part.trials) for part in parts] == [4, 4, 4, 4, 3, 3]
        found.append([plain(part) for part in parts])
    return [*found, int(rng.integers(1000))]


@pytest.fixture(scope="module")
def alone(graphs: Proving) -> list[Any]:
    return rounds(graphs, hired(graphs, graph_net(graphs, 0), 1, lanes=4))


def test_any_number_of_workers_makes_the_same_rounds(graphs: Proving, alone: list[Any]) -> None:
    workers = hired(graphs, graph_net(graphs, 0), 3, lanes=4)
    try:
        assert rounds(graphs, workers) == alone
        assert workers.take_lost() == 0
    finally:
        workers.close()


def test_one_net_answers_for_all_workers(
    graphs: Proving, alone: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without it the rounds are the same; one that fails is told."""
    monkeypatch.setattr(DeviceClock, "take_s", lambda self: 0.25)  # as if a GPU had told it
    net = graph_net(graphs, 1)
    setup = hired(graphs, net, lanes=4)._setup
    workers = TrialWorkers(setup, 2, served=True)
    rng = np.random.default_rng(7)
    try:
        parts = workers.work(net, rng.permutation(ALL), "shuffled", rng)
        assert [plain(part) for part in parts] == alone[0]
        parts = workers.work(net, rng.permutation(ALL), "guided", rng)
        assert sorted(trial.problem for part in parts for trial in part.trials) == ALL.tolist()
        assert accepted(graphs, parts)
        assert all(part.usage.evaluated > 0 for part in parts)
        assert sum(part.usage.device_s for part in parts) == 0.25
        assert sum(part.usage.flops for part in parts) > 0  # that the net counted as it was run

        os.kill(workers._pool._idle[0].pid, signal.SIGKILL)  # type: ignore[union-attr]
        again = workers.work(net, ALL, "guided", rng)
        assert sorted(trial.problem for part in again for trial in part.trials) == ALL.tolist()
        assert workers.take_lost() == 1

        def fail(*_: object) -> Evaluation:
            raise ValueError("the memory is too small for this")

        monkeypatch.setattr(workers._server._evaluator, "answers", fail)  # type: ignore[union-attr]
        with pytest.raises(ValueError, match="too small for this"):
            workers.work(net, ALL, "guided", rng)
    finally:
        workers.close()


class Deadly(Puct):
    """A search that ends its process, once for each file in a folder."""

    folder: str

    def search(self, *what: Any) -> Any:
        for file in Path(self.folder).iterdir():
            with contextlib.suppress(FileNotFoundError):  # another process was quicker
                file.unlink()
                os.kill(os.getpid(), signal.SIGKILL)
        return super().search(*what)


@pytest.mark.slow
def test_a_worker_that_dies_takes_nothing_with_it(
    graphs: Proving, alone: list[Any], tmp_path: Path
) -> None:
    """Others try its problems again; those that have cost three are told of."""
    workers = hired(graphs, graph_net(graphs, 0), 2, lanes=4)
    search = Deadly(folder=str(tmp_path), **SEARCH.model_dump())
    workers._setup = workers._setup._replace(search=search)
    (tmp_path / "1").touch()
    (tmp_path / "2").touch()
    net, many = graph_net(graphs, 0), np.tile(ALL, 500)
    try:
        assert rounds(graphs, workers) == alone
        assert (workers.take_lost(), workers.take_lost()) == (2, 0)
        for number in range(3):
            (tmp_path / str(number)).touch()
        with pytest.raises(ValueError, match=r"several proving processes.*last so: .*SIGKILL"):
            workers.work(net, ALL[:2], "guided", np.random.default_rng(7))
        threading.Timer(0.3, workers.cancel).start()
        with pytest.raises(CancelledError):
            workers.work(net, many, "guided", np.random.default_rng(7))
    finally:
        workers.close()
