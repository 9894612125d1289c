"""Actor: returns by hand on toy worlds, targets by closed form, games that can be replayed."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
from pydantic import PrivateAttr
from reference import HashedEvaluator, assert_same_arrays, uniform, wide

from envs.tictactoe import TicTacToe
from envs.toys import Chain, Coins, Nim, Standoff, Toy
from selfplay import arrays
from selfplay.actors.actor import Actor, ActorSection, Plays
from selfplay.actors.harvest import Harvest, Tally, parse_record
from selfplay.learning import checkpoint
from selfplay.search import Forest, Gumbel, Model, Puct, Search, SearchResult
from selfplay.types import NO_ACTION, Bool, Decision, Game, Int, Targets, Transition

PLAIN = ActorSection(opening_share=0.0, outcome_share=1.0)


class Planned(NamedTuple):
    """What a scripted search answers."""

    action: int
    value: float = 0.0
    draw: float = 0.0
    solved: bool = False


class Scripted(Gumbel):
    """Plays a script, one move a call and over again; the policy is sure of the move."""

    script: tuple[Planned, ...]
    _asked: list[tuple[bool, int]] = PrivateAttr(default_factory=list)  # (explore, budget)

    def search(
        self,
        forest: Forest,
        model: Model,
        rng: np.random.Generator,
        explore: Bool,
        budget: Int | None = None,
    ) -> SearchResult:
        assert budget is not None
        plan = self.script[len(self._asked) % len(self.script)]
        self._asked.append((bool(explore[0]), int(budget[0])))
        policy = np.zeros((1, model.num_actions), np.float32)
        policy[0, plan.action] = 1.0
        value = np.array([plan.value], np.float32)
        return SearchResult(
            Decision(np.array([plan.action], np.int32), policy, value, policy, policy),
            legal=np.arange(model.num_actions, dtype=np.int32)[None],
            prior=np.full_like(policy, 1 / model.num_actions),
            raw_value=value - 0.25,
            draw=np.array([plan.draw], np.float32),
            solved=np.array([plan.solved]),
            depth=2.0,
        )


def harvest(
    game: Game,
    search: Search,
    section: ActorSection = PLAIN,
    positions: int = 1,
    seed: int = 0,
) -> Harvest:
    """What one lane yields."""
    actor = Actor(game, search, section, 1, np.random.default_rng(seed))
    return actor.collect(uniform, positions)


def scripted(game: Game, *actions: int) -> Harvest:
    """One game along ``actions``."""
    return harvest(game, Scripted(script=tuple(map(Planned, actions))))


def expected(samples: Targets) -> list[float]:
    """The return that each value target stands for."""
    return [round(float(row[0] - row[2]), 6) for row in samples.value]


TAKE, LEAVE = 0, 1


@pytest.mark.parametrize(
    ("game", "actions", "returns"),
    [
        (Coins(4, 1), (TAKE, LEAVE, TAKE, TAKE), [0.75, 0.5, 0.5, 0.25]),
        (Coins(4, 2), (TAKE, LEAVE, TAKE, TAKE), [0.25, 0.0, 0.0, 0.25]),
        (Coins(4, 2), (TAKE, LEAVE, TAKE, LEAVE), [0.5, -0.25, 0.25, 0.0]),
        (Standoff(3), (0, 1), [1.0, -1.0]),
        (Standoff(3), (0, 0, 0), [0.0, 0.0, 0.0]),
        # 5 stones, take 2: 3 left, so the same player again; take 1; the other takes the last 2
        (Nim(5, 2, again=True), (1, 0, 1), [-1.0, -1.0, 1.0]),
        (Nim(5, 3), (0, 0, 2), [1.0, -1.0, 1.0]),
        (Chain(100), (0,) * 100, [1.0] * 100),  # longer than the room made at first
    ],
)
def test_returns_by_hand(game: Toy, actions: tuple[int, ...], returns: list[float]) -> None:
    got = scripted(game, *actions)
    assert expected(got.samples) == returns
    (record,) = map(parse_record, got.records)
    assert record.moves == " ".join(str(action + 1) for action in actions)
    assert record.opening == 0
    rows = np.arange(len(actions))
    np.testing.assert_array_equal(got.samples.actions[rows, got.samples.policy.argmax(1)], actions)
    state = game.init(np.random.default_rng(0), 1)
    for row, action in enumerate(actions):
        np.testing.assert_array_equal(got.samples.obs.features[row], game.observe(state)[0][0])
        legal = np.flatnonzero(game.legal(state)[0]).tolist()
        assert [action for action in got.samples.actions[row] if action >= 0] == legal
        state, _ = game.step(state, np.array([action], np.int32))


def test_value_target_mixes_outcome_and_search() -> None:
    section = ActorSection(opening_share=0, outcome_share=0.25)
    for actions, outcome in (
        ((0, 0, 0), (0, 1, 0)),  # a draw
        ((0, 1), (1, 0, 0)),
        ((1,), (0, 0, 1)),
    ):
        script = tuple(Planned(action, value=0.4, draw=0.2) for action in actions)
        got = harvest(Standoff(3), Scripted(script=script), section)
        # value 0.4 with draws 0.2: win - loss = 0.4 and win + loss = 0.8
        mixed = 0.25 * np.array(outcome) + 0.75 * np.array([0.6, 0.2, 0.2])
        np.testing.assert_allclose(got.samples.value[0], mixed, atol=1e-6)
    # draws leave room for the value
    section = ActorSection(opening_share=0, outcome_share=0)
    got = harvest(Standoff(3), Scripted(script=(Planned(1, value=0.9, draw=0.5),)), section)
    np.testing.assert_allclose(got.samples.value[0], [0.9, 0.1, 0.0], atol=1e-6)


def test_solved_positions_have_their_exact_value_and_hand_it_back() -> None:
    script = (Planned(0, value=0.3), Planned(0, value=0.0, solved=True), Planned(1, value=-0.2))
    got = harvest(Standoff(4), Scripted(script=script))  # the third move throws the draw away
    np.testing.assert_allclose(got.samples.value, [[0, 1, 0], [0, 1, 0], [0, 0, 1]], atol=1e-6)


@pytest.mark.parametrize(("value", "first"), [(1.0, 0), (-1.0, 1)])
def test_stops_when_solved(value: float, first: int) -> None:
    script = (Planned(0, value=0.3), Planned(0, value=value, solved=True))
    section = PLAIN.model_copy(update={"stop_when_solved": 1.0})
    got = harvest(Standoff(6), Scripted(script=script), section)
    assert expected(got.samples) == [-value, value]
    assert [parse_record(line).moves for line in got.records] == ["1 1"]
    assert (got.tally.games, got.tally.first_wins, got.tally.draws) == (1, first, 0)


def test_reply_is_the_policy_of_the_next_position() -> None:
    samples = scripted(Coins(4, 2), TAKE, LEAVE, LEAVE, TAKE).samples
    reply = wide(samples.reply_actions, samples.reply, 2)
    np.testing.assert_array_equal(reply, [[0, 1], [0, 1], [1, 0], [0, 0]])
    assert samples.reply_actions[-1].tolist() == [NO_ACTION] * samples.reply.shape[1]


def test_fast_moves_teach_no_policy() -> None:
    search = Scripted(script=(Planned(0),), simulations=7)
    section = PLAIN.model_copy(update={"full_share": 0.25, "fast_simulations": 3})
    samples = harvest(Chain(40), search, section, positions=400).samples
    full = np.array([explore for explore, _ in search._asked])
    assert [budget for _, budget in search._asked] == np.where(full, 7, 3).tolist()
    np.testing.assert_array_equal(samples.policy_weight, full)
    np.testing.assert_array_equal(samples.value_weight, 1)
    assert abs(full.mean() - 0.25) < 3 * np.sqrt(0.25 * 0.75 / len(full))
    known = np.append(full[1:], False) & (np.arange(len(full)) % 40 != 39)
    np.testing.assert_array_equal(samples.reply[:, 0], known)


def test_weigh_games_gives_every_game_the_same_say() -> None:
    script = (Planned(0), Planned(1), Planned(0), Planned(0), Planned(0))  # 2 moves, then 3
    section = ActorSection(opening_share=0, weigh="games")
    samples = harvest(Standoff(3), Scripted(script=script), section, positions=5).samples
    np.testing.assert_allclose(samples.value_weight, [0.75, 0.75, 0.5, 0.5, 0.5])  # 3 / 2 each
    np.testing.assert_allclose(samples.policy_weight, samples.value_weight)


def test_tally_by_closed_form() -> None:
    script = (Planned(0, value=0.5), Planned(0, value=0.5), Planned(1, value=0.5))
    tally = harvest(Standoff(5), Scripted(script=script, simulations=9)).tally
    assert tally == Tally(
        games=1,
        positions=3,
        first_wins=0,  # the first player attacks at the third move, and loses
        draws=0,
        length=3,
        moves=3,
        simulations=27,
        depth=6.0,
        entropy=pytest.approx(0.0, abs=1e-9),
        kl_target_prior=pytest.approx(3 * np.log(2)),
        value_gain=pytest.approx(0.75),
        solved=0,
    )
    assert tally.plus(tally) == Tally(*(pytest.approx(2 * each, abs=1e-9) for each in tally))


def games_of(game: Game, got: Harvest) -> list[tuple[list[int], Targets]]:
    """The games of a one-lane harvest: the moves, and the positions that came of them."""
    found, start = [], 0
    for record in map(parse_record, got.records):
        moves = [game.parse_action(word) for word in record.moves.split()]
        planes = got.samples.obs.planes[start:].sum(axis=(1, 2, 3))
        count = next((i for i in range(1, len(planes)) if planes[i] <= planes[i - 1]), len(planes))
        found.append((moves, arrays.take(got.samples, slice(start, start + count))))
        start += count
    return found


def test_openings_are_recorded_and_not_learned_from() -> None:
    """First wins and draws are told from the first player's side."""
    game = TicTacToe()
    section = ActorSection(opening_share=1.0, opening_plies=4)
    search = Gumbel(simulations=1, look_ahead=False)  # proves only what it then plays
    actor = Actor(game, search, section, 1, np.random.default_rng(0))
    openings, seen = [], set()
    for _ in range(25):
        got = actor.collect(HashedEvaluator(), 24)  # five games or a few more
        games, results = games_of(game, got), []
        told = [parse_record(line).opening for line in got.records]
        assert told == [len(moves) - len(samples.value) for moves, samples in games]
        for opening, (moves, samples) in zip(told, games, strict=True):
            state = game.init(np.random.default_rng(0), 1)
            for ply, move in enumerate(moves):
                if ply >= opening:
                    planes = game.observe(state).planes[0]
                    np.testing.assert_array_equal(samples.obs.planes[ply - opening], planes)
                state, paid = game.step(state, np.array([move], np.int32))
            assert paid.discount[0] == 0
            results.append(int(paid.reward[0]) * (1 if len(moves) % 2 else -1))
        tally = got.tally
        assert (tally.games, tally.length) == (len(games), sum(len(moves) for moves, _ in games))
        assert (tally.first_wins, tally.draws) == (results.count(1), results.count(0))
        openings += told
        seen.update(results)
    assert seen == {-1, 0, 1}
    counts = np.bincount(openings, minlength=5)
    within = 3 * np.sqrt(0.2 * 0.8 / len(openings))
    np.testing.assert_allclose(counts / len(openings), [0.2] * 5, atol=within)


def test_openings_are_as_long_as_asked() -> None:
    section = ActorSection(opening_share=1.0, opening_plies=150)
    actor = Actor(Nim(200, 1), Gumbel(simulations=2), section, 64, np.random.default_rng(0))
    assert 140 < actor._opening.max() <= 150


def test_an_opening_move_that_would_end_the_game_is_not_played() -> None:
    section = ActorSection(opening_share=1.0, opening_plies=20, outcome_share=1.0)
    script = Scripted(script=(Planned(1),))  # attacks as soon as it may
    for seed in range(20):
        got = harvest(Standoff(6), script, section, seed=seed)
        (record,) = map(parse_record, got.records)
        moves = record.moves.split()
        assert moves[:-1] == ["1"] * record.opening
        assert len(moves) == record.opening + 1
        assert expected(got.samples) == [-1.0]
        assert got.samples.obs.features[0].argmax() == record.opening


class TallyState(NamedTuple):
    heap: np.ndarray  # [B] objects: a list of stones


class TallyObs(NamedTuple):
    count: np.ndarray  # [B, 1] f32


class ObjectNim:
    """Nim as a newcomer writes it: a Python list of stones a position, 1 or 2 go at a time."""

    name, num_actions, max_moves, num_players = "object-nim", 2, 9, 2

    def init(self, rng: np.random.Generator, batch: int) -> TallyState:
        heap = np.empty(batch, object)
        for b in range(batch):
            heap[b] = ["stone"] * int(rng.integers(5, 10))  # every game starts from another heap
        return TallyState(heap)

    def step(self, state: TallyState, action: Int) -> tuple[TallyState, Transition]:
        after = np.empty(len(action), object)
        reward, discount = np.zeros((2, len(action)), np.float32)
        for b, heap in enumerate(state.heap):
            after[b] = heap[int(action[b]) + 1 :]
            reward[b] = bool(heap) and not after[b]
            discount[b] = -1.0 if after[b] else 0.0
        return TallyState(after), Transition(reward, discount)

    def legal(self, state: TallyState) -> Bool:
        return np.array([[True, len(heap) != 1] for heap in state.heap])

    def observe(self, state: TallyState) -> TallyObs:
        return TallyObs(np.array([[len(heap)] for heap in state.heap], np.float32))

    def text(self, state: TallyState, i: int) -> str:
        return f"{len(state.heap[i])} stones"

    def action_name(self, action: int) -> str:
        return str(action + 1)

    def parse_action(self, text: str) -> int:
        return int(text) - 1


def assert_same(a: Harvest, b: Harvest) -> None:
    assert_same_arrays(a.samples, b.samples)
    assert a.records == b.records
    assert a.tally == b.tally


def test_a_record_tells_where_its_game_started() -> None:
    """The last stone is taken at the last move, from the heap that the seed gives."""
    game = ObjectNim()
    section = ActorSection(opening_share=1.0, opening_plies=3)
    actor = Actor(game, Gumbel(simulations=2), section, 8, np.random.default_rng(0))
    records = [parse_record(line) for line in actor.collect(HashedEvaluator(), 60).records]
    heaps = set()
    for moves, opening, seed in records:
        state = game.init(np.random.default_rng(seed), 1)
        heaps.add(len(state.heap[0]))
        paid = []
        for word in moves.split():
            state, transition = game.step(state, np.array([game.parse_action(word)]))
            paid.append(transition.reward[0])
        assert paid == [0.0] * (len(paid) - 1) + [1.0]
        assert opening < len(paid)
    assert len(records) >= 8
    assert len(heaps) > 1
    assert {record.opening for record in records} == {0, 1, 2, 3}


SITUATIONS: dict[str, tuple[Game, Search, ActorSection]] = {
    "tictactoe": (TicTacToe(), Gumbel(simulations=6), ActorSection(opening_plies=3)),
    "reuse": (TicTacToe(), Gumbel(simulations=6), ActorSection(reuse_tree=True, full_share=0.5)),
    "puct": (TicTacToe(), Puct(simulations=6), ActorSection(stop_when_solved=0.5)),
    "again": (Nim(12, 2, again=True), Gumbel(simulations=4), ActorSection()),
    "one player": (Coins(80, 1), Gumbel(simulations=2), ActorSection(opening_plies=70)),
    "objects": (ObjectNim(), Gumbel(simulations=4), ActorSection(opening_plies=3)),
}


@pytest.mark.parametrize("name", SITUATIONS)
def test_goes_on_from_a_saved_state_as_if_nothing_had_been(name: str, tmp_path: Any) -> None:
    """The same seed gives the same harvest, another one another."""
    game, search, section = SITUATIONS[name]
    straight, twin, resumed = (
        Actor(game, search, section, 4, np.random.default_rng(seed)) for seed in (0, 0, 99)
    )
    evaluator = HashedEvaluator()
    first, same, other = (actor.collect(evaluator, 25) for actor in (straight, twin, resumed))
    assert_same(first, same)
    assert first.records != other.records
    for round_ in range(2):
        path = tmp_path / f"{round_}.pt"
        checkpoint.save(path, {"net": {}, "actor": straight.state_dict()})
        resumed.load_state_dict(checkpoint.unpacked(checkpoint.load(path)["actor"]))
        assert_same(straight.collect(evaluator, 60), resumed.collect(evaluator, 60))
        one, two = straight.state_dict(), resumed.state_dict()
        assert one.keys() == two.keys()
        for key, value in one.items():
            np.testing.assert_array_equal(value, two[key], key)
        straight.collect(evaluator, 25)


def test_games_under_way_of_the_first_versions_go_on_the_same() -> None:
    """Their policies were of all actions, and no format was told."""
    game, search, section = SITUATIONS["tictactoe"]
    straight, resumed = (
        Actor(game, search, section, 4, np.random.default_rng(seed)) for seed in (0, 99)
    )
    straight.collect(HashedEvaluator(), 25)
    saved = straight.state_dict()
    assert saved.pop("format") == 2
    policy = np.zeros((*saved["action"].shape, 9), np.float32)
    for lane, length in enumerate(saved["length"]):
        free = list(range(9))
        for move in range(length):
            policy[move, lane, free] = saved["policy"][move, lane][: len(free)]
            free.remove(saved["action"][move, lane])
    saved["policy"] = policy
    resumed.load_state_dict(saved)
    assert_same(straight.collect(HashedEvaluator(), 60), resumed.collect(HashedEvaluator(), 60))


def _under_way() -> dict[str, Any]:
    game, search, section = SITUATIONS["tictactoe"]
    actor = Actor(game, search, section, 4, np.random.default_rng(0))
    actor.collect(HashedEvaluator(), 25)
    actor._move(HashedEvaluator())  # the longest game has a move
    return actor.state_dict()


def refused(saved: dict[str, Any]) -> str:
    """Why these games under way cannot be gone on with."""
    game, search, section = SITUATIONS["tictactoe"]
    actor = Actor(game, search, section, 4, np.random.default_rng(1))
    with pytest.raises(ValueError, match="games under way in the checkpoint are damaged") as error:
        actor.load_state_dict(saved)
    return str(error.value)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("action", 9, "a move in them is not legal"),
        ("action", -1, "a move in them is not legal"),
        ("length", 2**31 - 1, "a seed or a length is out of range"),
        ("length", 9, "a seed or a length is out of range"),
        ("length", -5, "an opening is longer than its game"),
        ("opening", -1, "an opening is longer than its game"),
        ("opening", 9, "an opening is longer than its game"),
        ("seed", -(2**62), "a seed or a length is out of range"),
        ("value", np.nan, "'value' holds what is no number"),
        ("policy", np.inf, "'policy' holds what is no number"),
        ("rng", "{}", "'rng' is no state of a random generator"),
        ("rng", "[" * 9, "'rng' is no state of a random generator"),
        ("rng", None, "'rng' is missing"),
        ("solved", None, "'solved' is missing"),
        ("discount", np.zeros((3, 4), np.int64), "'discount' has another form"),
        ("seed", np.zeros(5, np.int64), "'seed' is no list of 4 numbers"),
        ("length", np.zeros(4, np.float32), "'length' is no list of 4 numbers"),
        ("action", 5, "has another form"),
    ],
)
def test_damaged_games_under_way_are_refused(name: str, value: Any, words: str) -> None:
    saved = _under_way()
    if value is None:
        del saved[name]
    elif isinstance(value, np.ndarray | str) or words.endswith("form"):
        saved[name] = value
    else:
        saved[name] = saved[name].copy()
        saved[name].flat[0] = value
    assert words in refused(saved)


def test_a_game_under_way_that_is_over_is_refused() -> None:
    """X has three in a row after five moves."""
    saved = _under_way()
    moves = np.array([0, 3, 1, 4, 2], np.int32)
    for name in Plays._fields:
        if name in saved:
            saved[name] = np.zeros((5, *saved[name].shape[1:]), saved[name].dtype)
    saved["action"][:] = moves[:, None]
    saved["length"], saved["opening"] = np.full(4, 5, np.int32), np.zeros(4, np.int32)
    assert "damaged: one of them is over" in refused(saved)


def test_random_games_under_way_end_in_a_sentence() -> None:
    saved = _under_way()
    for seed in range(20):
        rng = np.random.default_rng(seed)
        for name, array in saved.items():
            if name not in ("rng", "format"):
                noise = rng.integers(0, 256, array.nbytes, dtype=np.uint8)
                saved[name] = noise.view(array.dtype).reshape(array.shape)
        refused(saved)


def test_positions_and_their_mirror_images_have_one_key() -> None:
    actor = Actor(TicTacToe(), Gumbel(simulations=2), PLAIN, 8, np.random.default_rng(0))
    got = actor.collect(uniform, 200)
    boards = got.samples.obs.planes
    images = [np.rot90(side, turns, (2, 3)) for side in (boards, boards[:, :, ::-1])
              for turns in range(4)]  # fmt: skip
    smallest = [min(image[i].tobytes() for image in images) for i in range(len(boards))]
    assert len(set(smallest)) == len(np.unique(got.keys)) > 50
    assert len(set(zip(smallest, got.keys.tolist(), strict=True))) == len(set(smallest))


def test_the_next_harvest_grows_its_trees_where_the_last_stood() -> None:
    """And is the same as with memory of its own."""
    actors = [
        Actor(TicTacToe(), Gumbel(simulations=8), PLAIN, 4, np.random.default_rng(0))
        for _ in range(2)
    ]
    again, anew = actors
    for actor in actors:
        actor.collect(HashedEvaluator(), 20)
    before, anew._forest = again._forest, None
    found, expected = (actor.collect(HashedEvaluator(), 20) for actor in actors)
    assert_same_arrays(found.samples, expected.samples)
    assert found.records == expected.records
    assert before is not None
    assert again._forest is not None
    assert np.shares_memory(before.tree.nodes, again._forest.tree.nodes)
