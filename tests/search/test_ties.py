"""Equal scores: every search and player takes each equally often, and repeats for a seed."""

import numpy as np
import pytest
from examples import example
from reference import assert_even, searched, uniform

from envs.connect4 import Connect4
from envs.tictactoe import TicTacToe
from envs.toys import Move, Toy
from selfplay.lines.every_line import enumerate_lines
from selfplay.players.players import NetPlayer, SearchPlayer, ValuePlayer, make_player
from selfplay.search import Gumbel, Puct
from selfplay.types import Player

GAMES = 700


def _player(name: str) -> Player:
    """A player without opinions."""
    kind, _, simulations = name.partition(":")
    if kind == "net":
        return NetPlayer(name, uniform)
    if kind == "value":
        return ValuePlayer(name, uniform)
    if kind in ("gumbel", "puct"):
        search = Gumbel() if kind == "gumbel" else Puct()
        return SearchPlayer(name, search.with_simulations(int(simulations)), uniform)
    return make_player(name, TicTacToe(), lambda *_: pytest.fail("no run is asked for"))


EVERYTHING = ["net", "value", "minimax:1", "random"]
EVERYTHING += [f"{search}:{count}" for search in ("gumbel", "puct") for count in (1, 4, 16)]


ALIKE: list[tuple[str, list[list[int]], list[str]]] = [
    ("connect4", [list(range(7))], [*EVERYTHING, "mcts:1"]),  # without opinions
    ("connect4", [[0, 6], [1, 5], [2, 4]], [f"mcts:{count}" for count in (1, 2, 7, 16)]),
    (
        "tictactoe",
        [[0, 2, 6, 8], [1, 3, 5, 7]],
        ["mcts:12", "gumbel:12", "puct:12", "solver", "minimax:2"],
    ),
    ("othello?size=6", [[8, 13, 22, 27]], ["mcts:3", "gumbel:8", "puct:8", "net"]),
]


@pytest.mark.parametrize(
    ("spec", "groups", "name"),
    [(spec, groups, name) for spec, groups, names in ALIKE for name in names],
    ids=str,
)
def test_first_moves_that_are_alike_are_equally_likely(
    spec: str, groups: list[list[int]], name: str
) -> None:
    """Mirror images are; where nobody has an opinion all are."""
    game = example(spec)
    state = game.init(np.random.default_rng(0), GAMES)
    decision = _player(name).decide(game, state, np.random.default_rng(1))
    assert game.legal(state)[np.arange(GAMES), decision.action].all()
    assert_even(np.bincount(decision.action, minlength=game.num_actions), groups)


@pytest.mark.parametrize(
    "search", [Gumbel(simulations=6), Puct(simulations=6, unvisited_penalty=0)]
)
def test_ties_inside_the_tree_are_broken_at_random_too(search: Gumbel | Puct) -> None:
    """Each first move is tried; where the sixth simulation goes on is then a tie of replies."""
    game = Connect4(5, 4, 4)
    state = game.init(np.random.default_rng(0), GAMES)
    forest, _ = searched(search, game, uniform, state, np.random.default_rng(4))
    last = forest.tree.size - 1
    rows = np.arange(GAMES)
    below = forest.tree.nodes["parent"][rows, last] > 0
    assert below.sum() > GAMES / 2
    replies = forest.tree.edges["action"][rows, forest.tree.nodes["edge"][rows, last]][below]
    assert_even(np.bincount(replies, minlength=5), [list(range(5))])


@pytest.mark.parametrize("name", ["mcts:16", "gumbel:16", "puct:16", "net", "value"])
def test_the_same_seed_gives_the_same_moves(name: str) -> None:
    game = Connect4()
    state = game.init(np.random.default_rng(0), 50)
    moves = [
        _player(name).decide(game, state, np.random.default_rng(seed)).action.tolist()
        for seed in (5, 5, 6)
    ]
    assert moves[0] == moves[1] != moves[2]


def test_proven_wins_that_are_equal_are_chosen_evenly() -> None:
    """Three stones in the middle of the floor: columns 1 and 5 both win at once."""
    game = Connect4()
    state = game.init(np.random.default_rng(0), GAMES)
    for column in (2, 2, 3, 3, 4, 4):
        state, _ = game.step(state, np.full(GAMES, column, np.int32))
    for name in ("gumbel:16", "puct:16", "mcts:16", "minimax:1", "value"):
        decision = _player(name).decide(game, state, np.random.default_rng(5))
        counts = np.bincount(decision.action, minlength=7)
        assert counts[[1, 5]].sum() == GAMES, name
        assert_even(counts, [[1, 5]])


def test_scores_of_mirror_images_are_equal_whatever_soonness_says() -> None:
    """Two roads pay alike; then nothing is left but to stop now or later, named in other order."""
    now, later = Move(0.0, 0, 3, 0.0), Move(0.0, 1, 3, 0.0)
    roads = [Move(0.5, 1, 1, 0.0), Move(0.5, 1, 2, 0.0)]
    game = Toy("roads", [roads, [now, later], [later, now], [now]], num_players=1, max_moves=3)
    _, outcomes = enumerate_lines(game, game.init(np.random.default_rng(0), 1))
    assert outcomes[0].scores[0, 0] == outcomes[0].scores[0, 1]
