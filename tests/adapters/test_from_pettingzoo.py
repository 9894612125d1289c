"""PettingZoo environments as Games: the compiled twin's search, turns, pay, refusals."""

import gymnasium
import numpy as np
import pytest
from gymnasium.utils import EzPickle
from pettingzoo import AECEnv, ParallelEnv
from pettingzoo.utils.conversions import parallel_to_aec
from reference import assert_same_arrays, play
from unfair import seat_all

from envs import make
from envs.adapters.encoding import Encoding
from envs.adapters.from_pettingzoo import FromPettingZoo
from selfplay.checks import check_game
from selfplay.search import Gumbel, Puct

CLASSIC = "pettingzoo:pettingzoo.classic.tictactoe_v3"


class Race(AECEnv, EzPickle):
    """Walk 1 or 2 steps to ``goal``; landing on ``bonus`` earns another move; first there wins.

    As a user would write it; options break it in the ways that adapters must notice.
    """

    metadata = {"name": "race"}  # noqa: RUF012  # as PettingZoo's own environments do

    def __init__(self, goal=5, bonus=3, agents=2, win=1.0, loss=-1.0, mask="info"):
        EzPickle.__init__(self, goal, bonus, agents, win, loss, mask)
        self.goal, self.bonus, self.win, self.loss = goal, bonus, win, loss
        self.mask = mask
        self.possible_agents = [f"runner_{i}" for i in range(agents)]

    def observation_space(self, agent):
        return gymnasium.spaces.Discrete(self.goal + 1)

    def action_space(self, agent):
        return gymnasium.spaces.Discrete(2)

    def reset(self, seed=None, options=None):
        seat_all(self)
        self.place = 0
        self.infos = {agent: self.info() for agent in self.agents}

    def info(self):
        if self.mask == "none":
            return {}
        fits = np.array([1, self.place + 2 <= self.goal], np.int8)
        return {"action_mask": fits if self.mask == "info" else 0 * fits}

    def observe(self, agent):
        return self.place

    def step(self, action):
        mover = self.agent_selection
        if self.terminations[mover]:
            self._was_dead_step(action)
            return
        self._cumulative_rewards[mover] = 0
        self._clear_rewards()
        self.place = min(self.place + 1 + action, self.goal)
        if self.place == self.goal:
            self.rewards = dict.fromkeys(self.agents, self.loss)
            self.rewards[mover] = self.win
            self.terminations = dict.fromkeys(self.agents, True)
        if self.place != self.bonus:
            index = self.agents.index(mover) + 1
            self.agent_selection = self.agents[index % len(self.agents)]
        self.infos = {agent: self.info() for agent in self.agents}
        self._accumulate_rewards()


class PaysEachInTurn(Race):
    """The winner is paid for his last move, the loser when told of it a move earlier."""

    def step(self, action):
        super().step(action)
        if self.place == self.goal - 1 and self.agent_selection in self.rewards:
            loser = next(a for a in self.agents if a != self.agent_selection)
            self.rewards[loser] = -1.0


@pytest.fixture
def classic():
    pytest.importorskip("pygame", reason="pettingzoo.classic needs pygame")
    return make(CLASSIC)


def test_classic_tictactoe_conforms(classic):
    assert check_game(classic, games=6) == []


def test_classic_tictactoe_shows_what_the_compiled_one_shows(classic):
    twin = make("tictactoe")
    rng = np.random.default_rng(1)
    left, right = classic.init(rng, 4), twin.init(rng, 4)
    running = np.ones(4, np.bool_)
    for _ in range(9):
        assert classic.legal(left).tolist() == twin.legal(right).tolist()
        seen, expected = classic.observe(left), twin.observe(right)
        assert_same_arrays(seen.planes[running], expected.planes[running])
        action = np.array([rng.choice(np.flatnonzero(row)) for row in twin.legal(right)], np.int32)
        left, paid = classic.step(left, action)
        right, expected_paid = twin.step(right, action)
        assert_same_arrays(paid, expected_paid)
        running &= paid.discount != 0


@pytest.mark.parametrize(
    "search",
    [Gumbel(simulations=32), Gumbel(simulations=16, look_ahead=False), Puct(simulations=24)],
    ids=["gumbel", "gumbel-no-look-ahead", "puct"],
)
@pytest.mark.parametrize("moves", [0, 3])
def test_search_visits_are_those_of_the_compiled_twin(classic, search, hashed, moves):
    """Three positions after some moves; the same seed and evaluator; exploration on."""
    decisions = []
    for game in (classic, make("tictactoe")):
        state, rng = game.init(np.random.default_rng(0), 3), np.random.default_rng(5)
        for column in np.array([[4, 4, 0], [0, 8, 4], [2, 5, 8]], np.int32)[:moves]:
            state, _ = game.step(state, column)
        decisions.append(search.run(search.model(game, hashed), state, rng, explore=True))
    adapted, compiled = decisions
    assert adapted.visits.sum() > 0
    assert_same_arrays(adapted[:2], compiled[:2])
    assert_same_arrays(adapted.visits, compiled.visits)


def test_a_game_there_and_back_searches_like_the_game(hashed):
    visits, search = [], Gumbel(simulations=24)
    for game in map(make, ("pettingzoo:envs.adapters.to_pettingzoo?game=connect4", "connect4")):
        state = game.init(np.random.default_rng(0), 2)
        rng = np.random.default_rng(3)
        visits.append(search.run(search.model(game, hashed), state, rng, explore=True).visits)
    assert visits[0].sum() > 0
    assert visits[0].tolist() == visits[1].tolist()


def test_copies_keep_the_position_although_ezpickle_would_forget_it():
    game = FromPettingZoo(Race())
    state, _ = play(game, [1])
    for _ in range(2):  # the same state twice: it was copied, not stepped
        after, _ = game.step(state, np.array([1], np.int32))
        assert game.observe(after).features.tolist() == [[0, 0, 0, 0, 1, 0]]


@pytest.mark.parametrize(
    ("game", "actions", "expected"),
    [
        # 2, then 3 and again to 4, then 5
        (FromPettingZoo(Race()), [1, 0, 0, 0], [(0, -1), (0, 1), (0, -1), (1, 0)]),
        # a loss by one's own move is paid to the mover
        (FromPettingZoo(Race(win=-1.0, loss=1.0)), [1, 1, 0], [(0, -1), (0, -1), (-1, 0)]),
        # the loser pays 1 a move before the winner gets it: half the lead goes to each moment
        (FromPettingZoo(PaysEachInTurn(goal=4, bonus=9, loss=0.0)), [1, 0, 0],
         [(0, -1), (-0.5, -1), (0.5, 0)]),
        # cut off after max_moves, with nothing paid
        (FromPettingZoo(Race(goal=9, bonus=8), max_moves=2), [0, 0], [(0, -1), (0, 0)]),
        (FromPettingZoo(Race(win=10.0, loss=-10.0), scale=0.1), [1, 1, 0],
         [(0, -1), (0, -1), (pytest.approx(1.0), 0)]),
    ],
)  # fmt: skip
def test_turns_and_pay(game, actions, expected):
    assert play(game, actions)[1] == expected


def test_mask_in_info_is_legal_and_all_is_legal_after_the_end():
    game = FromPettingZoo(Race(goal=3, bonus=9))
    state, _ = play(game, [1])
    assert game.legal(state).tolist() == [[True, False]]
    with pytest.raises(ValueError, match="action 1 cannot be played in race"):
        game.step(state, np.array([1], np.int32))
    state, _ = game.step(state, np.array([0], np.int32))
    assert game.legal(state).tolist() == [[True, True]]


def test_race_conforms():
    assert check_game(FromPettingZoo(Race()), games=8) == []
    assert check_game(FromPettingZoo(Race, mask="none"), games=8) == []


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"agents": 3}, r"race has 3 agents .* at most 2 can play"),
        ({"mask": "empty"}, r"race goes on after 0 moves, but its action mask allows nothing"),
        ({"win": 1.0, "loss": 0.0}, r"not zero-sum: over one game it paid 1 to runner_0 and 0 to"),
        ({"win": 5.0, "loss": -5.0}, r"race has paid 5 after 3 moves; .* smaller scale than 1"),
    ],
)
def test_what_cannot_be_played_is_refused_in_a_sentence(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        play(FromPettingZoo(Race(bonus=9, **options)), [1, 1, 0])


def test_copies_that_forget_are_noticed():
    class Forgetful(Race):
        def __deepcopy__(self, memo):
            copy = Forgetful()
            copy.reset()
            return copy

    with pytest.raises(ValueError, match="copies of race forget their position: after 2 moves"):
        FromPettingZoo(Forgetful(goal=9, bonus=99))


def test_an_environment_that_cannot_be_copied():
    env = Race()
    env.file = open(__file__)  # noqa: SIM115  # an open file is what makes the copy fail
    with env.file, pytest.raises(ValueError, match=r"race cannot be copied .* needs copies"):
        FromPettingZoo(env)


def test_simultaneous_moves_are_refused():
    class AtOnce(ParallelEnv):
        metadata = {"name": "at-once"}  # noqa: RUF012  # as PettingZoo's own environments do
        possible_agents = ("a", "b")

    with pytest.raises(ValueError, match="at-once has simultaneous moves"):
        FromPettingZoo(parallel_to_aec(AtOnce()))
    admitted = Race()
    admitted.metadata = {"name": "race", "is_parallelizable": True}
    with pytest.raises(ValueError, match="race has simultaneous moves"):
        FromPettingZoo(admitted)


@pytest.mark.parametrize(
    ("shape", "channels", "planes", "moved"),
    [
        ((8, 8, 111), "auto", (111, 8, 8), True),
        ((2, 6, 7), "auto", (2, 6, 7), False),
        ((6, 7, 2), "auto", (2, 6, 7), True),
        ((17, 5, 5), "auto", (17, 5, 5), False),
        ((3, 3, 3), "auto", (3, 3, 3), True),
        ((3, 3, 3), "first", (3, 3, 3), False),
        ((6, 7, 2), "first", (6, 7, 2), False),
    ],
)
def test_the_channel_axis_comes_first(shape, channels, planes, moved):
    space = gymnasium.spaces.Box(0, 1, shape, np.int8)
    observation = np.arange(np.prod(shape)).reshape(shape)
    encoding = Encoding(space, channels)
    encoded = encoding.encode(observation)
    assert encoding.shape == encoded.shape == planes
    second = observation[..., 1] if moved else observation[1]
    assert encoded[1].tolist() == second.astype(np.int8).tolist()
