"""Gymnasium environments as one-player Games."""

import operator

import gymnasium
import numpy as np
import pytest
from reference import play

from envs import make
from envs.adapters.copies import copied
from envs.adapters.from_gymnasium import FromGymnasium
from selfplay.checks import check_game
from selfplay.search import Gumbel

CART_POLE = "gymnasium:CartPole-v1?scale=0.005&max_moves=200"
LAKE = "gymnasium:FrozenLake-v1?is_slippery=false"
LEFT, DOWN, RIGHT = 0, 1, 2


class Corridor(gymnasium.Env):
    """Walk right ``length`` times for a reward; action 1 (jump) is masked at the start."""

    observation_space = gymnasium.spaces.Discrete(200)
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self, length=3, reward=1.0, dice=False):
        self.length, self.reward, self.dice = length, reward, dice

    def _info(self):
        return {"action_mask": np.array([1, self.place > 0], np.int8)}

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.place = 0
        return self.place, self._info()

    def step(self, action):
        self.place += 1
        if self.dice:
            self.place += int(self.np_random.integers(2))
        over = self.place >= self.length
        return self.place, self.reward if over else 0.0, over, False, self._info()


@pytest.mark.parametrize("spec", [CART_POLE, LAKE])
def test_gymnasiums_own_environments_conform(spec):
    assert check_game(make(spec), games=2) == []


def test_cart_pole_goes_as_it_goes_alone():
    game, alone = make(CART_POLE), gymnasium.make("CartPole-v1")
    seed = int(np.random.default_rng(0).integers(2**31, size=1)[0])
    observation, _ = alone.reset(seed=seed)
    state = game.init(np.random.default_rng(0), 1)
    for action in (0, 1, 1, 0, 1):
        assert game.observe(state).features[0].tolist() == observation.tolist()
        state, paid = game.step(state, np.array([action], np.int32))
        observation, reward, *_ = alone.step(action)
        assert paid.reward[0] == pytest.approx(0.005 * reward)
        assert paid.discount[0] == 1


def test_the_start_is_drawn_anew_for_every_game_and_repeats_for_a_seed():
    game = make(CART_POLE)
    first, second = (game.init(np.random.default_rng(5), 3) for _ in range(2))
    rows = game.observe(first).features.tolist()
    assert len({tuple(row) for row in rows}) == 3
    assert game.observe(second).features.tolist() == rows


def test_frozen_lake_pays_at_the_goal_and_ends_in_a_hole():
    game = make(LAKE)
    path = [DOWN, DOWN, RIGHT, RIGHT, DOWN, RIGHT]
    assert play(game, path)[1] == [(0, 1)] * 5 + [(1, 0)]
    assert play(game, [DOWN, RIGHT])[1] == [(0, 1), (0, 0)]
    state, _ = play(game, [DOWN])
    assert np.flatnonzero(game.observe(state).features[0]).tolist() == [4]  # one-hot square


def test_search_walks_over_the_lake(no_opinion):
    """Three squares from the goal a search without any opinion finds the way."""
    game, search = make(LAKE), Gumbel(simulations=48)
    state, _ = play(game, [DOWN, DOWN, RIGHT])
    for _ in range(3):
        decision = search.run(search.model(game, no_opinion), state, np.random.default_rng(0))
        state, paid = game.step(state, decision.action)
    assert (paid.reward[0], paid.discount[0]) == (1, 0)


def test_mask_in_info_is_legal():
    game = FromGymnasium(Corridor)
    state, _ = play(game, [])
    assert game.legal(state).tolist() == [[True, False]]
    with pytest.raises(ValueError, match="action 1 cannot be played in Corridor"):
        game.step(state, np.array([1], np.int32))
    assert check_game(game, games=4) == []


def test_dice_in_a_step_are_refused_but_not_in_the_reset():
    with pytest.raises(ValueError, match="FrozenLake-v1 throws dice: action"):
        make("gymnasium:FrozenLake-v1")
    with pytest.raises(ValueError, match=r"Corridor throws dice: action \d .* two outcomes"):
        FromGymnasium(Corridor(dice=True, length=99))


def test_returns_outside_the_range_ask_for_a_smaller_scale():
    with pytest.raises(ValueError, match=r"Corridor has paid 4 after 3 moves; .* than 2"):
        play(FromGymnasium(Corridor, reward=2.0, scale=2.0), [0, 0, 0])
    assert play(FromGymnasium(Corridor, reward=2.0, scale=0.5), [0, 0, 0])[1][-1] == (1, 0)


def test_max_moves_cuts_off_and_comes_from_the_environment_by_default():
    game = FromGymnasium(Corridor, max_moves=2)
    assert play(game, [0, 0])[1] == [(0, 1), (0, 0)]
    assert make(LAKE).max_moves == 100
    assert make(CART_POLE).max_moves == 200
    assert FromGymnasium(Corridor).max_moves == 1000


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ("gymnasium:Nowhere-v0", "Gymnasium cannot make 'Nowhere-v0': Environment `Nowhere`"),
        ("gymnasium:CartPole-v1?wheels=3", "cannot make 'CartPole-v1': .*wheels"),
        ("gymnasium:FrozenLake-v1?map_name=9x9", "cannot make 'FrozenLake-v1': KeyError: '9x9'$"),
        ("gymnasium:test_from_gymnasium:broken", "does not accept {}: RuntimeError: no display$"),
        ("pettingzoo:test_from_gymnasium:broken", "does not accept {}: RuntimeError: no display$"),
        ("pettingzoo:no_such_module", r"import 'no_such_module': No module .*is it installed"),
        ("pettingzoo:math", r"module 'math' has no env or raw_env to call"),
        ("pettingzoo:envs.adapters.to_pettingzoo?gmae=nim", r"does not accept \{'gmae': 'nim'\}"),
        ("pettingzoo:fractions:Fraction?numerator=1&denominator=0", "does not accept .* ZeroDiv"),
        ("pettingzoo:fractions:Fraction", r"is no PettingZoo AEC environment but a Fraction"),
        ("pettingzoo:envs.adapters.to_pettingzoo?game=nim&scale=0", r"scale must be above 0"),
        ("gymnasium:FrozenLake-v1?desc=x", "Gymnasium cannot make 'FrozenLake-v1': not enough"),
        ("gymnasium:Pendulum-v1", r"Pendulum-v1 has actions Box.* only Discrete\(n\)"),
        ("gymnasium:fractions:Fraction", "is no Gymnasium environment but a Fraction"),
        ("gymnasium:CartPole-v1?channels=middle", "channels is 'auto', 'first' or 'last', not"),
        ("gymnasium:CartPole-v1?max_moves=0", "max_moves at least 1; got scale 1.0, max_moves 0"),
    ],
)
def test_bad_specs_are_told(spec, sentence):
    with pytest.raises(ValueError, match=sentence):
        make(spec)


class Rough(Corridor):
    """As people write environments; ``way`` is what is unusual about this one."""

    def __init__(self, way):
        super().__init__()
        self.way = way
        if way == "dict":
            spaces = {"place": gymnasium.spaces.Discrete(9), "x": gymnasium.spaces.Box(0, 1, (2,))}
            self.observation_space = gymnasium.spaces.Dict(spaces)
        elif way == "tuple":
            parts = gymnasium.spaces.Discrete(9), gymnasium.spaces.MultiBinary(3)
            self.observation_space = gymnasium.spaces.Tuple(parts)

    def _see(self):
        if self.way == "dict":
            return {"place": self.place, "x": np.array([0.5, 1.0], np.float32)}
        if self.way == "tuple":
            return self.place, np.array([1, 0, 1], np.int8)
        return {"far": 999, "short": None}.get(self.way, self.place)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self._see() if self.way == "old reset" else (self._see(), {})

    def step(self, action):
        _, reward, over, cut, _ = super().step(action)
        if self.way == "old step":
            return self._see(), reward, over, {}
        if self.way == "raises":
            raise KeyError("engine")
        reward = {"row": np.array([reward]), "nothing": None, "two": np.ones(2), "nan": np.nan}.get(
            self.way, reward
        )
        over = {"numpy": np.bool_(over), "array": np.array([over])}.get(self.way, over)
        info = {"action_mask": np.ones(3, np.int8)} if self.way == "wide mask" else {}
        return self._see(), reward, over, cut, info


@pytest.mark.parametrize("way", ["row", "numpy", "array", "dict", "tuple"])
def test_unusual_but_clear_environments_play(way):
    game = FromGymnasium(Rough(way))
    assert play(game, [0, 0, 0])[1] == [(0, 1), (0, 1), (1, 0)]
    assert check_game(game, games=1) == []


@pytest.mark.parametrize(
    ("way", "sentence"),
    [
        ("old step", r"step of Rough returned 4 values; since Gymnasium 0\.26 it returns 5"),
        ("old reset", r"reset of Rough returned int; since Gymnasium 0\.26 it returns 2"),
        ("raises", r"Rough: step\(\d\) raised KeyError: 'engine'"),
        ("nothing", r"a reward of Rough must be one number, but is None"),
        ("two", r"a reward of Rough must be one number, but is array"),
        ("nan", r"a reward of Rough must be one number, but is nan"),
        ("far", r"the observation 999 does not belong to the observation space Discrete\(200\)"),
        ("short", r"the observation None does not belong to the observation space"),
        ("wide mask", r"Rough has 2 actions, but its action mask has shape \[3\]"),
    ],
)
def test_what_is_not_clear_is_told_in_a_sentence(way, sentence):
    with pytest.raises(ValueError, match=sentence):
        play(FromGymnasium(Rough(way)), [0, 0])


def broken():
    raise RuntimeError("no display")


def test_a_slow_environment_is_looked_at_for_the_time_there_is(monkeypatch):
    """A step takes a hundredth of a second on a clock that stands otherwise."""
    from selfplay.checks.examine import examine

    class Clock:
        now = 0.0

        @classmethod
        def monotonic(cls):
            return cls.now

    class Slow(Corridor):
        def step(self, action):
            Clock.now += 0.01
            return super().step(action)

    for module in ("examine", "record", "hidden"):
        monkeypatch.setattr(f"selfplay.checks.{module}.time", Clock)
    monkeypatch.setattr("envs.adapters.adapted.time", Clock)
    monkeypatch.setattr("envs.adapters.copies._now", Clock.monotonic)
    game = FromGymnasium(Slow(length=150))
    Clock.now = 0.0
    found = examine(game, 16, 0, seconds=10.0)
    assert found.findings == []
    assert Clock.now < 12
    assert found.games < 16
    assert 0 < found.taken_again <= found.moves < 16 * 150


def test_copies_keep_what_is_shared_inside_and_nothing_else():
    """Two names of one list stay one list; a list that holds itself ends."""
    env = Corridor()
    env.rows = [[1, 2.5], {"a": (1, 2), "b": [np.zeros(2)]}, ([3], 4)]
    env.same = env.rows[0]
    env.loop = []
    env.loop.append(env.loop)
    other = copied(env, "corridor")
    assert other.rows[0] is other.same
    assert other.loop[0] is other.loop
    assert other.rows[0] == [1, 2.5]
    assert other.rows[2] == ([3], 4)
    mine, theirs = (
        (rows, rows[0], rows[1], rows[1]["b"][0], rows[2][0]) for rows in (env.rows, other.rows)
    )
    assert not any(map(operator.is_, mine, theirs))
