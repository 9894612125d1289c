"""Small environments, each of which breaks one law that a search on copies needs, and fair ones."""

import os
import random
import time
from datetime import datetime

import gymnasium
import numpy as np
import torch
import watch
from pettingzoo import AECEnv

from envs.toys import Nim

COUNTED = {"steps": 0}  # state of a module


def seat_all(env):
    """All agents of a PettingZoo environment at its start, the first to move; nothing is paid."""
    env.agents = list(env.possible_agents)
    env.agent_selection = env.agents[0]
    env.rewards = dict.fromkeys(env.agents, 0.0)
    env._cumulative_rewards = dict.fromkeys(env.agents, 0.0)
    env.terminations = dict.fromkeys(env.agents, False)
    env.truncations = dict.fromkeys(env.agents, False)


class Duel(AECEnv):
    """Two players move in turn, ``length`` moves in all; who wins is for the subclass to say.

    Everybody sees the number of moves and all that was played.
    """

    length, stake = 2, 1.0

    def __init__(self):
        super().__init__()
        self.metadata = {"name": type(self).__name__}
        self.possible_agents, self.render_mode = ["a", "b"], None

    def observation_space(self, agent):
        return gymnasium.spaces.Box(-9, 9, (self.length + 2,), np.float32)

    def action_space(self, agent):
        return gymnasium.spaces.Discrete(2)

    def reset(self, seed=None, options=None):
        self.rng = np.random.default_rng(seed)
        seat_all(self)
        self.infos = {agent: {} for agent in self.agents}
        self.played = []
        self.deal()

    def deal(self):
        """Whatever happens at the start."""

    def seen(self, agent):
        """Up to two numbers that only ``agent`` sees."""
        return []

    def score(self):
        """Above 0 where the first player has won."""
        return sum(self.played) - self.length / 2

    def during(self, action):
        """Whatever happens at a move."""

    def observe(self, agent):
        row = np.full(self.length + 2, -1.0, np.float32)
        row[: len(self.played)] = self.played
        for i, number in enumerate(self.seen(agent)):
            row[self.length + i] = number
        return row

    def step(self, action):
        mover = self.agent_selection
        if self.terminations[mover]:
            self._was_dead_step(action)
            return
        self._cumulative_rewards[mover] = 0
        self._clear_rewards()
        self.played.append(int(action))
        self.during(int(action))
        if len(self.played) == self.length:
            won = self.stake * float(np.sign(self.score()))
            self.rewards = {"a": won, "b": -won}
            self.terminations = dict.fromkeys(self.agents, True)
        self.agent_selection = "b" if mover == "a" else "a"
        self._accumulate_rewards()


# Hidden information ------------------------------------------------------------------------------


class OpenCard(Duel):
    """The start is random, and all see it; the first player names the card. This is fair."""

    def deal(self):
        self.card = int(self.rng.integers(2))

    def seen(self, agent):
        return [self.card]

    def score(self):
        return 1 if self.played[0] == self.card else -1


class HiddenCard(OpenCard):
    """The first player guesses the second's card."""

    def seen(self, agent):
        return [self.card if agent == "b" else -1]


class HiddenHands(Duel):
    """Each sees a hand of his own; the higher one wins."""

    def deal(self):
        self.hands = self.rng.permutation(6)[:2]

    def seen(self, agent):
        return [self.hands["ab".index(agent)]]

    def score(self):
        return self.hands[0] - self.hands[1]


class HandsOfTen(Duel):
    """Each sees ten cards of his own out of 52: no two starts look alike."""

    shown = 1  # hands that a player sees, his own first

    def observation_space(self, agent):
        return gymnasium.spaces.Box(0, 2, (self.length + 52 * self.shown,), np.float32)

    def deal(self):
        self.hands = self.rng.permutation(52)[:20].reshape(2, 10)

    def observe(self, agent):
        row = np.zeros(self.length + 52 * self.shown, np.float32)
        row[: len(self.played)] = np.array(self.played) + 1
        for place in range(self.shown):
            cards = self.hands["ab".index(agent) ^ place]
            row[self.length + 52 * place + cards] = 1
        return row

    def score(self):
        return self.hands[0].sum() - self.hands[1].sum() + 0.5


class NoCardTwice(HiddenCard):
    """Both see a number that no two starts share, beside a card that one of them sees."""

    def deal(self):
        super().deal()
        self.number = self.rng.normal()

    def seen(self, agent):
        return [*super().seen(agent), self.number]


class FaceDownDeck(Duel):
    """A deck is shuffled at the start and turned over card by card; nobody knows its order."""

    length = 4

    def deal(self):
        self.deck, self.shown = self.rng.permutation(4).tolist(), -1

    def seen(self, agent):
        return [self.shown]

    def during(self, action):
        self.shown = self.deck.pop()

    def score(self):
        return self.shown - 1.5


class HiddenMove(Duel):
    """Paper and scissors: the second player does not see what the first has chosen."""

    def observe(self, agent):
        return np.full(self.length + 2, len(self.played), np.float32)

    def score(self):
        return 1 if self.played[0] == self.played[1] else -1


class HiddenLegality(OpenCard):
    """What the second player may do tells of a card that nobody is shown."""

    def seen(self, agent):
        return []

    def score(self):
        return Duel.score(self)

    def step(self, action):
        super().step(action)
        if len(self.played) == 1:
            self.infos["b"] = {"action_mask": np.array([1, self.card], np.int8)}


class HiddenMine(gymnasium.Env):
    """Alone: one of two doors has a mine behind it."""

    observation_space = gymnasium.spaces.Discrete(2)
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.mine = int(self.np_random.integers(2))
        return 0, {}

    def step(self, action):
        return 1, float(action != self.mine), True, False, {}


class Unseen(Nim):
    """A game of one's own, whose heap is drawn and not shown."""

    def init(self, rng, batch):
        start = super().init(rng, batch)
        return start._replace(position=rng.integers(2, 8, batch).astype(np.int32))

    def observe(self, state):
        obs = super().observe(state)
        return obs._replace(features=np.zeros_like(obs.features))


# Dice after the reset ----------------------------------------------------------------------------


class OldDice(Duel):
    """The legacy generator of numpy, deep inside."""

    def deal(self):
        self.box = {"dice": [np.random.RandomState(int(self.rng.integers(99)))]}

    def during(self, action):
        self.played[-1] = int(self.box["dice"][0].randint(2))


class PythonsDice(Duel):
    def deal(self):
        self.dice = random.Random(int(self.rng.integers(99)))

    def during(self, action):
        self.played[-1] = self.dice.randrange(2)


class SecretDice(Duel):
    """Thrown at the first move, shown at the last."""

    length = 4

    def during(self, action):
        if len(self.played) == 1:
            self.secret = int(self.rng.integers(2))

    def score(self):
        return self.secret - 0.5


class Slippery(gymnasium.Env):
    """Alone, with dice of its own name."""

    observation_space = gymnasium.spaces.Box(-99, 99, (1,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.wind = np.random.default_rng(seed)
        self.place, self.moves = self.np_random.normal(), 0
        return np.array([self.place], np.float32), {}

    def step(self, action):
        self.moves += 1
        self.place += action + (self.wind.random() < 0.3)
        return np.array([self.place], np.float32), 0.0, self.moves == 9, False, {}


# Other generators --------------------------------------------------------------------------------


class ShufflesByRandom(OpenCard):
    """At the reset, which gives it a seed that it does not pass on."""

    def deal(self):
        self.card = random.randrange(2)


# State outside the copy, and clocks --------------------------------------------------------------


class ListOfAClass(Duel):
    """All copies write into one list."""

    moves: list[int] = []  # noqa: RUF012  # the mistake that is to be found

    def deal(self):
        self.moves.clear()

    def during(self, action):
        self.moves.append(action)

    def score(self):
        return sum(self.moves) - 1


class StateOfAClass(Duel):
    total = 0

    def during(self, action):
        StateOfAClass.total += 1
        self.played[-1] = StateOfAClass.total % 2


class StateInAClosure(Duel):
    def deal(self):
        moves = []
        self.tick = lambda: moves.append(0) or len(moves)

    def during(self, action):
        self.played[-1] = self.tick() % 2


class SharesOnCopy(Duel):
    class Counter:
        value = 0

        def __deepcopy__(self, memo):
            return self

    def deal(self):
        self.counter = self.Counter()

    def during(self, action):
        self.counter.value += 1
        self.played[-1] = self.counter.value % 2


class FlagFalls(Duel):
    """Who has thought for a minute since the reset has lost."""

    def deal(self):
        self.began = time.time()

    def score(self):
        return 1 if time.time() - self.began < 60 else -1


# Those in which one number is not what is played ----------------------------------------------


def _steps():
    COUNTED["steps"] += 1
    return COUNTED["steps"]


def _duel(name, played=None, score=None):
    """A Duel in which ``played(env)`` takes the place of every move, or ``score(env)`` decides."""

    def during(self, action):
        self.played[-1] = played(self)

    parts = ({"during": during} if played else {}) | ({"score": score} if score else {})
    globals()[name] = type(name, (Duel,), {**parts, "__module__": __name__})


_duel("DiceAtTheEnd", score=lambda env: env.rng.integers(2) - 0.5)
_duel("DiceInAMove", lambda env: int(env.rng.integers(2)))
_duel("DrawsFromRandom", lambda _: random.randrange(2))
_duel("DrawsFromNumpy", lambda _: int(np.random.rand() < 0.5))  # noqa: NPY002
_duel("DrawsFromTorch", lambda _: int(torch.randint(2, ())))
_duel("DrawsFromTheSystem", lambda _: os.urandom(1)[0])
_duel("SeedsByTheClock", lambda _: int(np.random.default_rng(time.time_ns()).integers(99)))
_duel("StateOfAModule", lambda _: _steps() % 2)
# clocks that turn so slowly that a busy machine is not taken for chance
_duel("AsksTheClock", lambda _: int(time.time()) // 1000 % 7)
_duel("AsksTheCalendar", score=lambda _: 1 if datetime.now().hour < 12 else -1)
_duel("AsksForTheDay", lambda _: time.localtime().tm_yday % 7 + int(time.strftime("%j")) % 5)
_duel("AsksInWords", lambda _: len(time.ctime().replace("0", "")) + int(time.asctime()[14:16]))
_duel("AsksTheSystemsClock", lambda _: int(time.clock_gettime(time.CLOCK_REALTIME)) // 1000 % 7)
_duel(
    "AsksByAnother", lambda _: watch.second() // 1000 % 7
)  # which the module of the environment imports
_duel("AsksAFastClock", lambda _: time.perf_counter_ns() % 10_007)


# Fair ones ---------------------------------------------------------------------------------------


class Plain(Duel):
    """Nothing but what is played."""


class OpenHandsOfTen(HandsOfTen):
    shown = 2


class SeedsTheShared(ShufflesByRandom):
    """Draws at the reset from a shared generator, after giving it the seed."""

    def reset(self, seed=None, options=None):
        random.seed(seed)
        super().reset(seed, options)


class ThrowsForNothing(Duel):
    """Dice that decide nothing, and a stopwatch that nobody looks at."""

    def during(self, action):
        self.rng.random()
        self.took = time.perf_counter()


class RandomStart(gymnasium.Env):
    """Alone: go up or down from a place that is drawn, and seen."""

    observation_space = gymnasium.spaces.Box(-99, 99, (1,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.place, self.moves = float(self.np_random.normal()), 0
        return np.array([self.place], np.float32), {}

    def step(self, action):
        self.place += 2 * action - 1
        self.moves += 1
        over = self.moves == 6
        return np.array([self.place], np.float32), float(over and self.place > 0), over, False, {}
