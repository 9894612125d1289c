"""Runs that learn to prove: what they tell, that they go on, that it helps, and what is refused."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from provers import library_of, moves_are_accepted, number_of
from reference import uniform
from tiny_runs import assert_equal, stop_after, timeless_metrics
from torch.utils.flop_counter import FlopCounterMode

from envs.proving.game import OWN, Proving, held_out
from selfplay.actors import Backend, Processes, Ray, Threads
from selfplay.config import load_config, parse_config
from selfplay.learning import checkpoint
from selfplay.learning.steps import Descent
from selfplay.nets.evaluator import NetEvaluator
from selfplay.proving.curriculum import Matchmaker
from selfplay.proving.measure import ProvedProblems, read_proved
from selfplay.proving.trials import attempt
from selfplay.proving.workers import TrialWorkers, _Trier
from selfplay.regimes.prove import Prove
from selfplay.training.folder import RunFolder
from selfplay.training.metrics import find
from selfplay.training.metrics_file import read_metrics
from selfplay.training.proving_agent import load_guide
from selfplay.training.run import Outcome, Training, train
from selfplay.types import Evaluator

RECIPE = """
game = "proving"
problems = PROBLEMS
checkpoint_s = 0.001
regime = { kind = "prove", trials = 6, inferences = 60, unguided_inferences = 500 }
net = { kind = "walks", features = 8, width = 16 }
search = { kind = "puct", simulations = 15, look_ahead = false }
evaluator = { precision = "float32", cache = 0 }
actor = { threads = 1, games = 4 }
learner = { batch = 32, warmup_steps = 5 }
strength = { every_s = 1e6, simulations = 15, inferences = 60 }
budget = { positions = 150 }
"""
NUMBERS = (18, 19, 20, 21, 22, 23, 24, 25, 27, 28, 30, 38)
ASIDE = {"pelletier_22", "pelletier_24"}  # by their names


def write_recipe(folder: Path, problems: Path) -> str:
    """A small recipe for these problems."""
    path = folder / "small.toml"
    path.write_text(RECIPE.replace("PROBLEMS", json.dumps(str(problems))))
    return str(path)


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """On twelve of Pelletier's problems; two are kept aside, one is too hard."""
    folder = tmp_path_factory.mktemp("prove")
    (folder / "problems").mkdir()
    for number in NUMBERS:
        shutil.copy(OWN / "pelletier" / f"pelletier_{number}.p", folder / "problems")
    return write_recipe(folder, folder / "problems")


@pytest.fixture(scope="module")
def straight(recipe: str, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """The run that nothing happened to."""
    return train(recipe, out=str(tmp_path_factory.mktemp("runs") / "straight"))


def rounds(folder: Path) -> list[dict[str, Any]]:
    return [line for line in read_metrics(folder) if line["phase"] == "prove"]


def loop_of(folder: Path) -> dict[str, Any]:
    """What the latest checkpoint knows of the problems."""
    path = RunFolder(folder).latest()
    assert path is not None
    state: dict[str, Any] = checkpoint.load(path)["training"]["loop"]
    return state


# What a run tells --------------------------------------------------------------------------------


def test_every_problem_is_tried_without_the_net_first(straight: Outcome) -> None:
    told = rounds(straight.folder)
    assert len(told) >= 4
    assert [line["prove/guided"] for line in told] == [0, 0] + [1] * (len(told) - 2)
    assert [line["prove/trials"] for line in told[:3]] == [6, 4, 6]
    unguided, guided = told[:2], told[2:]
    assert all(line["prove/net_share"] == 0 for line in unguided)
    assert all(0 < line["prove/net_share"] < 1 for line in guided)
    found = sum(line["prove/proved"] for line in unguided)
    assert unguided[-1]["prove/ever"] == found >= 7
    assert straight.scalars["prove/ever"] == told[-1]["prove/ever"]


def test_after_the_first_time_the_clauses_are_shuffled_and_the_hardest_come_first(
    recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each problem once in order, then twice in random orders, then guided, the hardest of a round
    first: no long trial begins when the others are done."""
    worked: list[tuple[str, list[int]]] = []
    plain = TrialWorkers.work

    def work(self: TrialWorkers, net: Any, problems: Any, how: Any, rng: Any) -> Any:
        worked.append((how, problems.tolist()))
        return plain(self, net, problems, how, rng)

    monkeypatch.setattr(TrialWorkers, "work", work)
    monkeypatch.setattr(Matchmaker, "rates", lambda self: np.linspace(1.0, 0.0, len(self.refuted)))
    train(recipe, ["regime.unguided_rounds=3", "budget.positions=300"], str(tmp_path / "run"))
    rounds = [("in order", 6), ("in order", 4)] + 2 * [("shuffled", 6), ("shuffled", 4)]
    done = [(how, len(problems)) for how, problems in worked]
    assert done[:6] == rounds
    assert set(done[6:]) == {("guided", 6)}
    assert len(worked) > 7
    for _, problems in worked[6:]:
        assert problems == sorted(problems, reverse=True)


def test_the_numbers_of_a_round_add_up(straight: Outcome) -> None:
    told = rounds(straight.folder)
    for number, line in enumerate(told, 1):
        assert line["prove/proved_share"] == line["prove/proved"] / line["prove/trials"]
        assert line["prove/ever_share"] == line["prove/ever"] / 10
        assert line["prove/ever"] == sum(one["prove/new"] for one in told[:number])
        assert line["prove/new"] >= 0
        assert line["prove/refused"] == 0
        assert min(line["prove/inferences_per_s"], line["prove/seconds"]) > 0
        assert line["prove/hindsight"] <= 2 * (line["prove/trials"] - line["prove/proved"])
        assert line["prove/length"] >= 1
        rates = [line.get(f"prove/rate_{low}_to_{low + 20}") for low in range(0, 100, 20)]
        if rates[0] is not None:  # some of the served have been tried by the prover that learns
            assert sum(rates) == pytest.approx(1.0)
            assert 0 <= line["prove/served_at_edge"] <= 1
    assert told[-1]["prove/rate_80_to_100"] > 0
    learned = [line for line in read_metrics(straight.folder) if line["phase"] == "learn"]
    assert learned[-1]["cost/games"] == sum(line["prove/trials"] for line in told)
    assert learned[-1]["step"] >= 150 > learned[-2]["step"]
    measured = [line for line in read_metrics(straight.folder) if line["phase"] == "strength"]
    for line in (measured[0], measured[-1]):
        assert line["strength/proved"] in (0.0, 0.5, 1.0)  # of the two that are kept aside
        assert line["strength/unproved"] == 1 - line["strength/proved"]
        low, high = line["strength/proved_low"], line["strength/proved_high"]
        assert low <= line["strength/proved"] <= high


def test_what_is_kept_aside_is_never_tried(straight: Outcome) -> None:
    names = [form.name for form in RunFolder(straight.folder).config().rules().library.forms]  # type: ignore[attr-defined]
    assert {name for name in names if held_out(name)} == ASIDE
    state = loop_of(straight.folder)
    every = np.asarray(state["match"]["tries"]) + np.asarray(state["unguided"])
    tries = dict(zip(names, every.tolist(), strict=True))
    assert all((tries[name] == 0) == (name in ASIDE) for name in names)
    assert sum(tries.values()) == sum(line["prove/trials"] for line in rounds(straight.folder))
    told = json.loads((straight.folder / "provenance.json").read_text())["data"]
    assert (told["problems"], told["held_out"]) == (12, 2)
    proved = read_proved(straight.folder)
    assert proved.keys() == ASIDE
    assert np.mean([*proved.values()]) == straight.scalars["strength/proved"]


def test_proofs_are_kept_as_moves_that_prove(straight: Outcome) -> None:
    game = RunFolder(straight.folder).config().rules()
    assert isinstance(game, Proving)
    lines = [
        line for path in straight.folder.glob("games/*") for line in path.read_text().splitlines()
    ]
    for line in lines:
        found = re.fullmatch(r"(\w+): ([\d ]+) # inferences (\d+)", line)
        assert found, line
        moves = [int(move) - 1 for move in found[2].split()]
        assert moves_are_accepted(game, number_of(game.library, found[1]), moves)
    assert len(lines) == sum(line["prove/proved"] for line in rounds(straight.folder))


# It goes on --------------------------------------------------------------------------------------


def test_stopped_and_resumed_it_is_the_same_run(
    recipe: str, straight: Outcome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = str(tmp_path / "stopped")
    with monkeypatch.context() as patch:
        stop_after(patch, 3)
        assert not train(recipe, out=out).finished
    before = np.asarray(loop_of(tmp_path / "stopped")["match"]["tries"])
    assert before.sum() == 6  # with the net
    assert np.asarray(loop_of(tmp_path / "stopped")["unguided"]).sum() == 10
    assert train(recipe, out=out).finished
    assert (np.asarray(loop_of(tmp_path / "stopped")["match"]["tries"]) >= before).all()
    latest = [RunFolder(one).latest() for one in (straight.folder, tmp_path / "stopped")]
    assert_equal(checkpoint.load(latest[0]), checkpoint.load(latest[1]))
    assert timeless_metrics(straight.folder) == timeless_metrics(tmp_path / "stopped")


def test_a_larger_budget_goes_on_with_what_is_known(straight: Outcome, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(straight.folder, tmp_path / "copy"))
    told, state = rounds(copy), loop_of(copy)
    outcome = train(str(copy), ["budget.positions=200"])
    assert outcome.finished
    more = rounds(copy)
    assert more[: len(told)] == told
    assert all(line["prove/guided"] == 1 for line in more[len(told) :])
    assert more[-1]["prove/ever"] >= told[-1]["prove/ever"]
    made = [np.asarray(one["match"]["tries"]).sum() for one in (state, loop_of(copy))]
    assert made[1] - made[0] == sum(line["prove/trials"] for line in more[len(told) :]) > 0


def test_other_problems_are_refused_with_both_numbers(straight: Outcome, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(straight.folder, tmp_path / "copy"))
    problems = json.dumps(str(OWN / "puzzles"))
    with pytest.raises(ValueError, match=r"trained on 12 problems, the folder now holds 18: put"):
        train(str(copy), [f"problems={problems}", "budget.positions=900"])


def test_the_proving_game_can_be_played_against_nobody_too(recipe: str, tmp_path: Path) -> None:
    """Self-play learns the same game, from problems drawn at random."""
    path, regime = tmp_path / "selfplay.toml", 'regime = { kind = "selfplay", positions = 20 }'
    path.write_text(re.sub(r"regime = .*", regime, Path(recipe).read_text()))
    outcome = train(str(path), ["budget.positions=20"], str(tmp_path / "run"))
    assert outcome.finished
    lines = read_metrics(outcome.folder)
    assert [line["phase"] for line in lines] == ["strength", "selfplay", "learn", "strength"]
    assert lines[-1]["step"] >= 20
    assert lines[1]["selfplay/games"] >= 4
    assert np.isfinite(lines[2]["learn/policy_loss"])


# It helps ----------------------------------------------------------------------------------------

FALSE_LEADS = 3  # ways towards each statement besides the one that can be proved
FURTHER = 2  # ways towards each statement that cannot be proved


def chain(size: int, rng: np.random.Generator) -> str:
    """The TPTP text of a theorem: ``size`` implications from the fact to the goal, and false leads.

    Names and the order of the statements are random, so that nothing can be learned from either;
    what can is to follow the links that ask for what is ``sure``.
    """
    names = [f"p{number}" for number in rng.permutation(size + 1 + FALSE_LEADS * size)]
    links, astray = names[: size + 1], names[size + 1 :]
    clauses = [f"{links[0]}(c)", "sure(X)"]
    for i in range(size):
        clauses.append(f"{links[i + 1]}(X) | ~ {links[i]}(X) | ~ sure(X)")
        for lead in astray[FALSE_LEADS * i : FALSE_LEADS * (i + 1)]:
            clauses.append(f"{links[i + 1]}(X) | ~ {lead}(X) | ~ doubtful(X)")
            for further in rng.choice(astray, FURTHER, replace=False):
                clauses.append(f"{lead}(X) | ~ {further}(X) | ~ doubtful(X)")
    order = rng.permutation(len(clauses)).tolist()
    axioms = [f"cnf(a{i}, axiom, {clauses[i]}).\n" for i in order]
    return "".join(axioms) + f"fof(goal, conjecture, {links[size]}(c)).\n"


def test_the_net_learns_what_leads_to_a_proof(tmp_path: Path) -> None:
    """Of fresh chains, new in their names and order, within 40 inferences each: nearly all.

    The same search proves next to none of them without what was learned from others.
    """
    folder = tmp_path / "problems"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(1, 65):
        (folder / f"chain_6_{number}.p").write_text(chain(6, rng))
    recipe = write_recipe(tmp_path, folder)
    overrides = [
        "regime.trials=64", "regime.inferences=200", "regime.unguided_inferences=20000",
        "net.features=16", "net.width=64", "search.simulations=32",
        "learner.lr=3e-3", "learner.batch=64", "learner.reuse=8",
        "strength.inferences=0", "budget.positions=1400",
    ]  # fmt: skip
    outcome = train(recipe, overrides, str(tmp_path / "run"))
    assert rounds(outcome.folder)[-1]["prove/guided"] == 1
    rng = np.random.default_rng(1)
    game = Proving(library=library_of(*(chain(6, rng) for _ in range(40))))
    guide = load_guide(str(outcome.folder))

    def proved(evaluator: Evaluator) -> int:
        rng, numbers = np.random.default_rng(0), list(range(40))
        trials = attempt(game, guide.search, evaluator, numbers, 40, rng, explore=False)
        return sum(trial.proved for trial in trials)

    assert proved(guide.opinions(game)) >= 32
    assert proved(uniform) <= 8


# Refusals ----------------------------------------------------------------------------------------


def test_what_cannot_be_learned_leaves_no_run(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with pytest.raises((ValueError, OSError), match="nowhere"):
        train(write_recipe(tmp_path, tmp_path / "nowhere"), out=str(run))
    assert not run.exists()
    other = tmp_path / "connect4.toml"
    other.write_text('game = "connect4"\n[regime]\nkind = "prove"\n[budget]\nseconds = 1\n')
    (tmp_path / "aside" / "problems").mkdir(parents=True)
    for name in sorted(ASIDE):
        shutil.copy(OWN / "pelletier" / f"{name}.p", tmp_path / "aside" / "problems")
    aside = write_recipe(tmp_path / "aside", tmp_path / "aside" / "problems")
    for recipe, sentence in (
        (
            str(other),
            r"regime.kind = 'prove' is for game = 'proving'; connect4 is learned by "
            r"regime.kind = 'selfplay'",
        ),
        (aside, r"all 2 problems are kept aside.*give more problems"),
    ):
        with pytest.raises(ValueError, match=sentence):
            train(recipe, out=str(run))
        assert not (run / "config.json").exists()
    with pytest.raises(ValueError, match=r"problems are for game = 'proving', not for 'connect4'"):
        parse_config({"game": "connect4", "problems": "somewhere"})


def test_nothing_proved_is_nothing_to_learn_from(recipe: str, tmp_path: Path) -> None:
    sentence = r"nothing was proved in the first round.*--set regime.unguided_inferences="
    with pytest.raises(ValueError, match=sentence):
        train(recipe, ["regime.unguided_inferences=1"], str(tmp_path / "run"))


def test_the_table_of_metrics_names_what_a_prover_emits(straight: Outcome) -> None:
    emitted = {name for line in read_metrics(straight.folder) for name in line if "/" in name}
    assert [name for name in emitted if find(name) is None] == []
    clock = {"prove/inferences_per_s", "prove/seconds"}  # left out where the clock stands still
    own = {each.name for each in (*Prove.metrics, *ProvedProblems.metrics)}
    assert own - clock <= emitted


@pytest.mark.parametrize("kind", ["graph", "walks"])
def test_a_run_is_charged_what_it_ran(
    kind: str, recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the FLOP, by torch's counter: a problem is encoded once for all its positions, and the
    measurements of strength are not charged."""
    run = {"trials": 0, "learning": 0}
    trying = [False]
    work, forward, answers = _Trier.work, NetEvaluator._forward, Descent.answers

    def working(self: _Trier, *task: Any) -> Any:
        trying[0] = True
        try:
            return work(self, *task)
        finally:
            trying[0] = False

    def forwarding(self: NetEvaluator, *asked: Any) -> Any:
        with FlopCounterMode(display=False) as counter:
            answer = forward(self, *asked)
        run["trials"] += counter.get_total_flops() * trying[0]
        return answer

    def answering(self: Descent, *asked: Any) -> Any:
        with FlopCounterMode(display=False) as counter:
            answer = answers(self, *asked)
        run["learning"] += counter.get_total_flops()
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(_Trier, "work", working)
        patch.setattr(NetEvaluator, "_forward", forwarding)
        patch.setattr(Descent, "answers", answering)
        options = [f'net = {{ kind = "{kind}", features = 8 }}', "budget.positions=40"]
        scalars = train(recipe, options, str(tmp_path / "run")).scalars
    assert scalars["cost/flops_generate"] == run["trials"] > 0
    assert scalars["cost/flops_learn"] == 3 * run["learning"] > 0


@pytest.mark.parametrize(
    ("backend", "device", "served"),
    [
        (Threads(), "cuda:0", True),
        (Processes(), "cuda:0", True),
        (Processes(), "cpu", False),
        (Ray(), "cuda:0", False),
    ],
)
def test_one_net_answers_where_workers_share_a_gpu_and_others_have_theirs_on_cpus(
    backend: Backend, device: str, served: bool, recipe: str, tmp_path: Path
) -> None:
    """Nothing is started before the first round."""
    training = Training(RunFolder(tmp_path), load_config(recipe))
    setup = training.parts.setup
    inference = setup.inference._replace(device=device)
    parts = training.parts._replace(setup=setup._replace(inference=inference), backend=backend)
    workers = training.config.regime.open(parts)._workers  # type: ignore[attr-defined]
    assert workers._served is served
    assert workers._setup.inference.device == ("cuda:0" if served else "cpu")
