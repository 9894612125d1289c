"""The workers of a round: each problem once, checked proofs, the same for a seed."""

from __future__ import annotations

from types import SimpleNamespace
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
from selfplay.cached import CancelledError, Usage
from selfplay.config import parse_config
from selfplay.learning.samples import joined
from selfplay.nets import Net
from selfplay.nets.evaluator import NetEvaluator
from selfplay.proving import workers as proving_workers
from selfplay.proving.workers import Effort, How, RoundPart, TrialWorkers
from selfplay.search import Puct
from selfplay.system.workers import EndedError

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


def evaluator(net: Net) -> NetEvaluator:
    return NetEvaluator(net, 64, "cpu", torch.float32, 0)


def hired(game: Proving, workers: int = 1) -> TrialWorkers:
    return TrialWorkers(game, SEARCH, EFFORT, evaluator, workers)


def tried(game: Proving, net: Net, how: How, seed: int = 7) -> RoundPart:
    """All problems, by a single worker."""
    (batch,) = hired(game).work(net, ALL, how, np.random.default_rng(seed))
    return batch


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

    monkeypatch.setattr(proving_workers, "proof_of", turned)
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
    workers = hired(game)
    workers.work(net, np.array([0]), "in order", np.random.default_rng(0))
    workers.cancel()
    with pytest.raises(CancelledError):
        workers.work(net, ALL, "in order", np.random.default_rng(0))


def test_a_worker_that_was_killed_is_one_sentence(
    game: Proving, net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(tasks: Any) -> Any:
        raise EndedError("its process ended (SIGKILL)")

    two = hired(game, 2)
    monkeypatch.setattr(two, "_processes", SimpleNamespace(map=ended))
    with pytest.raises(ValueError, match="a proving process was ended from outside"):
        two.work(net, ALL, "in order", np.random.default_rng(7))


def test_two_processes_try_each_problem_once(game: Proving, unguided: RoundPart) -> None:
    """With a net that knows the problems, which go to the other processes too."""
    graphs = Proving(library=game.library, view="graph")
    section = parse_config({"net": {"kind": "graph", "features": 8, "width": 8, "rounds": 1}}).net
    net, two = section.build(graphs), hired(graphs, 2)
    try:
        alone = two.work(net, ALL, "in order", np.random.default_rng(7))
        helped = two.work(net, ALL, "guided", np.random.default_rng(7))
    finally:
        two.close()
    for batches in (alone, helped):
        assert [sorted(trial.problem for trial in batch.trials) for batch in batches] == [
            list(range(0, 22, 2)), list(range(1, 22, 2)),
        ]  # fmt: skip
    assert accepted(graphs, alone) == accepted(game, [unguided])
    assert sum(len(batch.samples) for batch in alone) == len(unguided.samples)
    assert len(accepted(graphs, helped)) >= 5
    used = [batch.usage for batch in helped]
    assert all(isinstance(usage, Usage) and usage.evaluated > 0 for usage in used)
