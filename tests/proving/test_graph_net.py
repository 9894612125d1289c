"""The net that sees no names: what it must not notice, what it must, its memory, its learning."""

import pickle
from itertools import combinations
from typing import Any

import numpy as np
import pytest
import torch
from formulas import VARIABLES, form_of, random_literals
from nets.test_evaluator import assert_close, direct, evaluator_of
from provers import library_of
from reference import random_positions, row
from torch.utils.flop_counter import FlopCounterMode

from envs.connect4 import Connect4
from envs.proving.calculus.matrix import Library, build_library
from envs.proving.calculus.tableau import (
    GOAL,
    LEMMAS,
    MOVES,
    OPEN,
    OPTIONS,
    ROOT,
    Limits,
    Tableau,
    begin,
    close,
    find_options,
    infer,
    new_tableau,
)
from envs.proving.calculus.unify import UNBOUND, new_scratch
from envs.proving.game import OWN, Proving, ProvingState
from envs.proving.logic.clausify import clausify
from envs.proving.logic.formula import Clause, ClauseForm, Variable
from envs.proving.logic.tptp import parse_problem
from envs.proving.views.graph import PLACES, place_below, problem_graphs
from selfplay import arrays
from selfplay.learning.learner import Learner
from selfplay.learning.samples import targets
from selfplay.learning.section import LearnerSection
from selfplay.nets import (
    Graph,
    Heads,
    Mlp,
    Net,
    Walks,
    counts_flops,
    forward_flops,
    graph_problems,
    obs_tensors,
    parameter_count,
    take_flops,
)
from selfplay.nets.evaluator import NetEvaluator
from selfplay.proving.lessons import replay

SIZES = (96, 96, 64)  # nodes, variables, options


def random_form(seed: int) -> ClauseForm:
    rng = np.random.default_rng(seed)
    rows = [random_literals(rng, {"p": 2, "q": 1, "r": 3}, 4, variables=0.6) for _ in range(16)]
    roles = ["negated_conjecture"] * 2 + ["axiom", "equality", "definition"] * 5
    both = enumerate(zip(rows, roles, strict=False))
    return form_of(*(Clause(row, f"c{i}", f"c{i}", role) for i, (row, role) in both))


def renamed(thing: Any, variables: dict[str, str]) -> Any:
    """The term or atom under other names."""
    if isinstance(thing, Variable):
        return Variable(variables[thing.name])
    name, arguments = thing
    return type(thing)(f"other_{name}", tuple(renamed(part, variables) for part in arguments))


class Disguise:
    """A problem under other names and in another order."""

    def __init__(self, true: Library, seed: int) -> None:
        self.true, rng = true, np.random.default_rng(seed)
        (form,) = true.forms
        self.clauses = rng.permutation(len(form.clauses)).tolist()  # new number -> old
        self.literals = [rng.permutation(len(clause.literals)).tolist() for clause in form.clauses]
        clauses = []
        for old in self.clauses:
            variables = dict(zip(VARIABLES, rng.permutation(list("RSTU")).tolist(), strict=True))
            literals = [form.clauses[old].literals[i] for i in self.literals[old]]
            new = [literal._replace(atom=renamed(literal.atom, variables)) for literal in literals]
            clauses.append(form.clauses[old]._replace(literals=tuple(new), name=f"d{old}"))
        self.library = build_library([form._replace(clauses=tuple(clauses))])

    def clause(self, old: int) -> int:
        return self.clauses.index(old)

    def literal(self, literal: int) -> int:
        """The number here of the literal that has this number in truth."""
        old = int(self.true.matrix.clause[literal])
        place = self.literals[old].index(literal - int(self.true.matrix.clause_start[old]))
        return int(self.library.matrix.clause_start[self.clause(old)]) + place


class Replay:
    """The tableau of a position, done again in the disguised problem, inference by inference."""

    def __init__(self, disguise: Disguise, t: Tableau) -> None:
        self.disguise, self.matrix, self.old = disguise, disguise.library.matrix, t
        self.new = new_tableau(*SIZES)
        self.scratch = new_scratch(SIZES[1])
        self.nodes = {ROOT: ROOT}
        begin(self.matrix, 0, self.new)
        self._close(ROOT)
        goal = self.nodes[int(t.scalars[GOAL])]
        self.new.scalars[GOAL] = goal
        self.new.scalars[MOVES] = t.scalars[MOVES]
        self.scratch.length[0] = 0
        if goal != ROOT:
            find_options(self.matrix, self.new, Limits(24, False), self.scratch)

    def _close(self, node: int) -> None:
        how = int(self.old.closed[node])
        if how == OPEN:
            return
        self.new.scalars[GOAL] = self.nodes[node]
        self.scratch.length[0] = 0
        if how <= LEMMAS:
            close(self.new, self.nodes[node], LEMMAS - self.nodes[LEMMAS - how])
        else:
            infer(self.matrix, self.new, self.option(node, how), self.scratch)
        if how >= 0:
            for child in self._children(self.old, node):
                wanted = self.disguise.literal(int(self.old.literal[child]))
                places = self._children(self.new, self.nodes[node])
                self.nodes[child] = next(at for at in places if self.new.literal[at] == wanted)
            for child in self._children(self.old, node):
                self._close(child)

    def option(self, goal: int, option: int) -> int:
        """What an inference on ``goal`` is called here."""
        if goal == ROOT:
            return self.disguise.clause(option)
        if option < 0:
            return -1 - self.nodes[-1 - option]
        return self.disguise.literal(option)

    def order(self) -> list[int]:
        """Where each inference of the old position stands here."""
        goal = int(self.old.scalars[GOAL])
        old, new = (t.options[: t.scalars[OPTIONS]].tolist() for t in (self.old, self.new))
        assert len(new) == len(old)
        return [new.index(self.option(goal, option)) for option in old]

    @staticmethod
    def _children(t: Tableau, node: int) -> range:
        return range(int(t.first[node]), int(t.first[node]) + int(t.children[node]))


def proving(*forms: ClauseForm) -> Proving:
    sizes = dict(zip(("nodes", "variables", "actions"), SIZES, strict=True))
    return Proving(**sizes, view="graph", library=build_library(forms))


def fresh(game: Proving, seed: int = 0, **section: int) -> Net:
    torch.manual_seed(seed)
    return Graph(**section).build(game).eval()


def answers(net: Net, game: Proving, state: ProvingState) -> Heads:
    with torch.no_grad():
        heads: Heads = net(obs_tensors(game.observe(state)))
    return heads


@pytest.mark.parametrize("seed", [0, 5])
def test_names_and_order_make_no_difference(seed: int) -> None:
    game = proving(random_form(seed))
    net = fresh(game, seed)
    state = random_positions(game, np.random.default_rng(seed), 60, 6)
    moved, spread = 0, []
    for i in range(arrays.length(state)):
        tableau = arrays.take(state.tableau, i)
        disguise = Disguise(game.library, seed=100 * seed + i)
        again = Replay(disguise, tableau)
        other = proving(*disguise.library.forms)
        twin = fresh(other, seed=99)
        twin.load_state_dict(net.state_dict())
        policy, value, _ = answers(net, game, row(state, i))
        there = ProvingState(np.zeros(1, np.int32), arrays.tree_map(lambda x: x[None], again.new))
        policy_there, value_there, _ = answers(twin, other, there)
        order = again.order()
        logits = policy[0, : len(order)]
        torch.testing.assert_close(policy_there[0, order], logits, atol=1e-5, rtol=0)
        torch.testing.assert_close(value_there, value, atol=1e-5, rtol=0)
        moved += order != sorted(order)
        spread.append(float(logits.std()))
    assert moved > 5  # the test does permute
    assert len(set(spread)) > 10  # and positions do differ
    assert np.median(spread) > 2e-3  # and so do inferences


# a goal p(X, Y) that can be closed in three ways
SMALL = """
cnf(goal, negated_conjecture, ~ p(X,Y) | ~ q(X)).
cnf(one, axiom, p(X,f(X,Y)) | ~ q(f(a,f(X,Y)))).
cnf(two, axiom, p(a,X) | ~ p(X,X)).
cnf(three, axiom, p(X,a) | ~ q(X)).
cnf(four, axiom, q(a) | ~ q(f(a,a))).
cnf(five, axiom, q(f(a,X)) | ~ p(X,a)).
"""


def small(text: str = SMALL, role: str = "axiom") -> ClauseForm:
    """The problem, its clause one in that role."""
    goal, one, *others = clausify(parse_problem(text, "small")).clauses
    return form_of(goal, one._replace(role=role), *others)


def first_choice(game: Proving) -> ProvingState:
    """The goal p(X, Y), chosen between three inferences."""
    _, state = replay(game, 0, [0])
    assert state.tableau.scalars[0, OPTIONS] == 3
    return state


def test_clauses_that_say_something_else_do_make_one() -> None:
    game = proving(small())
    before = answers(fresh(game), game, first_choice(game))
    for other in (
        small(SMALL.replace("f(a,f(X,Y))", "f(f(X,Y),a)")),  # the order of arguments
        small(SMALL.replace("f(a,f(X,Y))", "f(a,f(Y,X))")),  # deeper
        small(SMALL.replace("~ q(f(a,f", "q(f(a,f")),  # a sign
        small(role="equality"),
    ):
        changed = proving(other)
        after = answers(fresh(changed), changed, first_choice(changed))
        scores, there = before.policy_MA[0, :3], after.policy_MA[0, :3]
        assert float((scores - there).abs()[0]) > 2e-4  # that of the clause that differs
        assert float((before.value_M3 - after.value_M3).abs().max()) > 2e-5


def test_bindings_make_a_difference() -> None:
    game = proving(small())
    net, free, matrix = fresh(game), first_choice(game), game.library.matrix
    values = [answers(net, game, free).value_M3]
    for variable, clause in ((0, 2), (1, 0)):  # X := a; Y := X, the first argument of the clause
        bound = arrays.tree_map(np.copy, free)
        atom = matrix.atom[matrix.clause_start[clause]]
        assert bound.tableau.bound[0, variable] == UNBOUND
        bound.tableau.bound[0, variable] = matrix.terms.arguments[matrix.terms.first[atom]]
        bound.tableau.bound_offset[0, variable] = 0
        values.append(answers(net, game, bound).value_M3)
    for left, right in combinations(values, 2):
        assert float((left - right).abs().max()) > 1e-4


def test_a_literal_above_and_one_beside_are_not_the_same() -> None:
    game = proving(small())
    net, state = fresh(game), first_choice(game)
    state, _ = game.step(state, np.ones(1, np.int32))  # by clause two
    obs = game.observe(state)
    value = answers(net, game, state).value_M3
    hidden = obs._replace(literal=obs.literal.copy())
    for token in np.flatnonzero(obs.literal[0])[1:]:
        hidden.literal[0] = obs.literal[0]
        hidden.literal[0, token] = 0
        with torch.no_grad():
            without = net(obs_tensors(hidden)).value_M3
        assert float((without - value).abs().max()) > 1e-4


def test_a_batch_answers_what_each_position_alone_does() -> None:
    game = proving(*(random_form(seed) for seed in range(10)))
    net = fresh(game)
    state = random_positions(game, np.random.default_rng(0), 80, 4)
    assert len(set(state.problem.tolist())) > 7
    policy, value, _ = answers(net, game, state)
    learned = net(obs_tensors(game.observe(state)))  # with gradients: nothing is remembered
    torch.testing.assert_close(learned.policy_MA, policy, atol=1e-5, rtol=0)
    torch.testing.assert_close(learned.value_M3, value, atol=1e-5, rtol=0)
    for i in range(arrays.length(state)):
        alone = answers(net.fused(), game, row(state, i))
        torch.testing.assert_close(alone.policy_MA[0], policy[i], atol=1e-5, rtol=0)
        torch.testing.assert_close(alone.value_M3[0], value[i], atol=1e-5, rtol=0)


def test_what_is_remembered_is_what_would_be_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    game = proving(*(random_form(seed) for seed in range(10)))
    net = fresh(game)
    state = random_positions(game, np.random.default_rng(1), 80, 3)
    expected = answers(net.fused(), game, state).value_M3
    rows = len(problem_graphs(game.library.matrix).name_kind)
    for most in (graph_problems.MOST_ROWS, rows, 1):  # the last: room for no problem at all
        monkeypatch.setattr(graph_problems, "MOST_ROWS", most)
        inference = net.fused()
        with torch.inference_mode():
            for part in np.random.default_rng(0).integers(arrays.length(state), size=(12, 5)):
                some = obs_tensors(game.observe(arrays.take(state, part)))
                torch.testing.assert_close(
                    inference(some).value_M3, expected[torch.from_numpy(part)], atol=1e-5, rtol=0
                )
    before = answers(net, game, state).value_M3
    with torch.no_grad():
        net.entry.encoder.kind.weight += 1.0  # the weights change: nothing old may be answered
    after = answers(net, game, state).value_M3
    torch.testing.assert_close(after, net(obs_tensors(game.observe(state))).value_M3)
    assert float((after - before).abs().max()) > 1e-3


def test_checkpoints_hold_no_problem_and_copies_share_the_library() -> None:
    one_game, other = proving(small()), proving(*(random_form(seed) for seed in range(10)))
    net = fresh(one_game)
    twin = fresh(other, seed=1)
    twin.load_state_dict(net.state_dict())  # strict
    assert sum(array.nbytes for array in net.state_dict().values()) < 1e6
    assert parameter_count(net) == parameter_count(twin)
    assert net.fused().entry.encoder.problems is net.entry.encoder.problems
    net.entry.encoder.problems.on(torch.device("meta"))  # as on a GPU that others do not have
    sent = pickle.loads(pickle.dumps(net)).entry.encoder.problems
    assert (list(sent._on), sent.count) == (["cpu"], 1)
    assert forward_flops(net, one_game) > 1e4
    with pytest.raises(ValueError, match="net kind 'graph' needs the proving game with view=graph"):
        Graph().build(Connect4())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_evaluator_can_ask_it(dtype: torch.dtype) -> None:
    game = proving(*(random_form(seed) for seed in range(5)))
    net = fresh(game)
    state = random_positions(game, np.random.default_rng(2), 25, 3)  # 32 with rows of padding
    evaluator = NetEvaluator(net, game.num_actions, "cpu", dtype, cache_size=1024)
    rough = 1e-5 if dtype == torch.float32 else 0.05
    exact = direct(net, game, state).value
    np.testing.assert_allclose(evaluator(game, state).value, exact, atol=rough)
    over = arrays.tree_map(np.copy, state)
    over.tableau.scalars[:, 4] = 1  # OVER: nothing to see
    assert np.isfinite(evaluator(game, over).value).all()


@pytest.mark.parametrize("autocast", [False, True])
def test_it_learns_what_depends_on_goal_and_clause(autocast: bool) -> None:
    """Planted: the value is the sign of the goal, the best inference that of the longest clause."""
    game = proving(*(random_form(seed) for seed in range(20)))
    state = random_positions(game, np.random.default_rng(3), 250, 5)
    state = arrays.take(state, state.tableau.scalars[:, GOAL] != ROOT)
    tableau, matrix, count = state.tableau, game.library.matrix, arrays.length(state)
    goal = tableau.literal[np.arange(count), tableau.scalars[:, GOAL]]
    value = np.zeros((count, 3), np.float32)
    value[np.arange(count), np.where(matrix.side[goal] % 2 == 1, 0, 2)] = 1
    length = np.diff(matrix.clause_start)[matrix.clause[np.maximum(tableau.options, 0)]]
    length = np.where(game.legal(state) & (tableau.options >= 0), length, 0)
    policy = (length == length.max(1, keepdims=True)).astype(np.float32)
    policy /= policy.sum(1, keepdims=True)
    samples = targets(game.observe(state), game.legal(state), policy, value)
    section = LearnerSection(batch=64, lr=3e-3, warmup_steps=5)
    learner = Learner(fresh(game), section, game, "cpu", autocast, seed=0)
    before = learner.fit(samples, 3, 0.0)
    learner.fit(samples, 60, 0.0)
    after = learner.fit(samples, 3, 0.0)
    assert after.value_loss < 0.2 * before.value_loss
    assert after.kl < 0.4 * before.kl


def test_places_are_told_apart_down_to_the_third_level() -> None:
    """Ways down of up to three of the first five arguments have places of their own."""
    places, level = [0], [0]
    for _ in range(3):
        level = [place_below(place, argument) for place in level for argument in range(5)]
        places += level
    assert len(set(places)) == len(places) == 1 + 5 + 25 + 125
    deepest = level
    for _ in range(6):
        deepest = [place_below(place, argument) for place in deepest[:9] for argument in range(7)]
        assert max(places) < min(deepest)
        assert max(deepest) < PLACES


def test_the_graph_of_a_problem() -> None:
    """p(X, f(X, a)) | ~p(X, Y): names p, f, a, X, Y; each occurrence with its place."""
    graph = problem_graphs(library_of("cnf(only, axiom, p(X,f(X,a)) | ~ p(X,Y)).").matrix)
    assert graph.occurrence_literal.tolist() == [0, 0, 0, 0, 0, 1, 1, 1]
    p, function, constant, x, y = 0, 1, 2, 3, 4
    assert graph.occurrence_name.tolist() == [p, x, function, x, constant, p, x, y]
    assert graph.occurrence_place.tolist() == [0, 1, 2, 11, 12, 0, 1, 2]
    assert graph.occurrence_code.tolist() == [0, 1, 0, 1, 0, 0, 1, 2]
    assert graph.name_kind.tolist() == [1 + 2 + 5, 1 + 2, 1, 0, 0]


def test_dropout_is_of_learning_alone() -> None:
    """While it learns every answer is another, as the seed has it; else all are the same."""
    game = Proving(str(OWN / "pelletier"), view="graph")
    fields = obs_tensors(game.observe(game.start(np.arange(12, dtype=np.int32))))
    net = Graph(dropout=0.5).build(game)

    def answer(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return net(fields).policy_MA.detach()

    assert torch.equal(answer(0), answer(0))
    assert not torch.equal(answer(0), answer(1))
    net.eval()
    assert torch.equal(answer(0), answer(1))


def test_large_positions_are_merged_by_what_is_seen_of_them() -> None:
    """A tableau holds more than the net is shown: those that look alike are evaluated once."""
    game = Proving(view="graph")
    net = fresh(game, features=8, rounds=1, width=8)
    state = random_positions(game, np.random.default_rng(1), 80, 6)
    state = arrays.take(state, np.random.default_rng(2).integers(0, 80, 200))
    state.tableau.bound[:, -1] = np.arange(200)  # of a variable that does not occur
    looks = {row.tobytes() for row in arrays.hash_rows(game.observe(state))}
    assert len(looks) <= 80 < len({row.tobytes() for row in arrays.hash_rows(state)})
    for cache in (0, 1 << 10):
        evaluator = evaluator_of(net, game.num_actions, cache)
        assert_close(evaluator(game, state), direct(net, game, state))
        assert evaluator.take_usage().evaluated == len(looks)


@pytest.mark.parametrize("section", [Graph(), Walks()], ids=lambda section: section.kind)
def test_it_counts_what_it_computes(section: Graph | Walks) -> None:
    """To the FLOP, by torch's counter; what is remembered of a problem costs nothing again, and is
    no part of what a position costs."""
    sizes = dict(zip(("nodes", "variables", "actions"), SIZES, strict=True))
    library = build_library([random_form(seed) for seed in range(10)])
    game = Proving(**sizes, view=section.view, library=library)
    torch.manual_seed(0)
    net = section.build(game)
    state = random_positions(game, np.random.default_rng(0), 40, 3)
    seen, inference = obs_tensors(game.observe(state)), net.fused()
    run = []
    for _ in range(2):
        with torch.inference_mode(), FlopCounterMode(display=False) as counter:
            inference(seen)
        run.append(counter.get_total_flops())
    assert take_flops(inference) == sum(run) > 0
    assert take_flops(inference) == 0
    with FlopCounterMode(display=False) as counter:
        net(seen)
    assert take_flops(net) == counter.get_total_flops() == run[0]
    assert 0.5 < forward_flops(net, game) / (run[1] / arrays.length(state)) < 2
    assert (run[1] < run[0]) == (section.kind == "graph")
    assert counts_flops(net)
    assert not counts_flops(Mlp().build(Connect4()))
