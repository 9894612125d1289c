"""A person at the terminal, line by line, against players whose moves are known."""

from __future__ import annotations

import io
import random
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from examples import example
from program import Terminal

from envs.connect4 import Connect4
from envs.tictactoe import TicTacToe
from envs.toys import Bandit, Chain, Coins, Nim, Standoff
from selfplay.play import terminal as terminals
from selfplay.play.course import by_ply, standard_error
from selfplay.play.session import GameSession
from selfplay.play.terminal import GameTerminal
from selfplay.play.variations import NOT_PLAYED
from selfplay.players.players import (
    MinimaxPlayer,
    NetPlayer,
    RandomPlayer,
    SearchPlayer,
    SolverPlayer,
    make_player,
)
from selfplay.search import Gumbel
from selfplay.system.console import PlainConsole, read_line
from selfplay.types import Decision, Evaluator, Float, Game, Player, State


class Leftmost:
    """The first legal move, with a planted value."""

    name = "leftmost"

    def __init__(self, value: float = 0.0) -> None:
        self.value = value

    def decide(self, game: Game, state: State, rng: np.random.Generator) -> Decision:
        legal = game.legal(state)
        action = legal.argmax(axis=1).astype(np.int32)
        policy = np.eye(game.num_actions, dtype=np.float32)[action]
        value = np.full(len(legal), self.value, np.float32)
        blank = np.full(legal.shape, np.nan, np.float32)
        return Decision(action, policy, value, np.zeros(legal.shape, np.int32), blank)


class Knowing:
    """A toy world's planted values."""

    name = "knowing"

    def decide(self, game: Any, state: State, rng: np.random.Generator) -> Decision:
        qvalues: Float = game.qvalues(state)
        action = np.nanargmax(qvalues, axis=1).astype(np.int32)
        policy = np.eye(game.num_actions, dtype=np.float32)[action]
        value = np.nanmax(qvalues, axis=1)
        return Decision(action, policy, value, np.ones(qvalues.shape, np.int32), qvalues)


class Dice(Nim):
    """Nim whose heap is thrown by dice."""

    def init(self, rng: np.random.Generator, batch: int) -> Any:
        start = super().init(rng, batch)
        return start._replace(position=rng.integers(4, 10, batch).astype(np.int32))


def session(
    game: Game, player: Player | None = None, side: int = 0, seed: int = 0, played: Any = ()
) -> GameSession:
    """After the actions ``played``, of both sides."""
    at = GameSession(game, player or Leftmost(), side, np.random.default_rng(seed))
    for action in played:
        at.play(action)
    return at


def advised(game: Game, evaluator: Evaluator) -> GameSession:
    """By a search, beside what its net says alone."""
    player = SearchPlayer("search", Gumbel(simulations=32), evaluator)
    return GameSession(game, player, 0, np.random.default_rng(0), NetPlayer("net", evaluator))


WON = (0, 1, 0, 1, 0, 1, 0)  # the first player of Connect Four has filled a column


def typed(at: GameSession, *lines: str | BaseException) -> list[str]:
    """What the terminal shows when a person types ``lines`` and then closes the input."""
    out, waiting = io.StringIO(), list(lines)

    def read(prompt: str) -> str:
        out.write(prompt + "\n")
        if not waiting:
            raise EOFError
        line = waiting.pop(0)
        if isinstance(line, BaseException):
            raise line
        return line

    GameTerminal(at, PlainConsole(out, width=80), read).run()
    return out.getvalue().splitlines()


def board(*rows: str) -> list[str]:
    return [" ".join(row) for row in rows]


def moves(at: GameSession) -> str:
    """The line of play in the game's notation."""
    return " ".join(
        at.game.action_name(each.action) for each in at.history if each.action != NOT_PLAYED
    )


# --- the session ---------------------------------------------------------------------------------


def test_turns_follow_the_discount() -> None:
    at = session(Nim(10, take=2, again=True))
    assert at.is_persons_turn
    at.play(at.parse("1"))  # 9 left: a multiple of 3 earns another move
    assert at.is_persons_turn
    at.play(at.parse("1"))  # 8 left
    assert not at.is_persons_turn
    at.play(at.parse("2"))  # 6 left: the agent goes on
    assert not at.is_persons_turn


def test_one_player_is_always_to_move() -> None:
    at = session(Chain(3))
    for _ in range(3):
        assert at.is_persons_turn
        at.play(0)
    assert at.now.over
    assert not at.is_persons_turn
    assert at.outcome() == 1.0
    assert at.legal() == []
    with pytest.raises(ValueError, match="chain has one player: there is no second side"):
        session(Chain(3), side=1)


def test_outcome_is_the_persons_and_rewards_on_the_way_add_up() -> None:
    for side, outcome in ((0, 1.0), (1, -1.0)):
        at = session(Connect4(), side=side, played=WON)
        assert at.now.over
        assert at.outcome() == outcome
    # first takes, second leaves, first takes, second takes
    assert session(Coins(4, players=2), played=(0, 1, 0, 0)).outcome() == pytest.approx(0.25)


def test_undo_goes_back_to_the_persons_last_decision() -> None:
    at = session(Connect4(), played=(3, 0, 4, 0))
    at.undo()
    assert moves(at) == "4 1"
    assert at.is_persons_turn
    at.undo()
    assert moves(at) == ""
    assert at.now.paid == (0.0, 0.0)
    with pytest.raises(ValueError, match="no move of yours to take back"):
        at.undo()


def test_undo_for_the_second_player_keeps_the_agents_opening() -> None:
    at = session(Connect4(), side=1, played=(0, 3, 0))
    at.undo()
    assert moves(at) == "1"
    assert at.now.mover == at.side == 1
    with pytest.raises(ValueError, match="no move of yours"):
        at.undo()
    at = session(Connect4(), played=WON)
    at.undo()  # reopens the game
    assert not at.now.over
    assert at.legal() == list(range(7))
    assert at.outcome() == 0.0


def test_states_are_those_of_the_rules() -> None:
    """Playing and undoing at random leaves the position that the remaining moves lead to."""
    game, dice = Connect4(5, 4, 3), random.Random(1)
    at = session(game)
    for _ in range(200):
        if at.now.over or (dice.random() < 0.3 and len(at.history) > 2):
            at.undo()
        else:
            at.play(dice.choice(at.legal()))
    state = game.init(np.random.default_rng(0), 1)
    for each in at.history[:-1]:
        state, _ = game.step(state, np.array([each.action], np.int32))
    assert game.text(at.now.state, 0) == game.text(state, 0)


def test_loss_is_the_value_given_away() -> None:
    for game, losses in (
        (Bandit(), (1.25, 0.5, 0.0)),  # its arms pay -0.5, 0.25, 0.75
        (Nim(10, take=3), (2.0, 0.0, 2.0)),  # taking 2 wins, else the win is handed over: +1 to -1
    ):
        for action, lost in enumerate(losses):
            assert session(game, Knowing(), played=[action]).loss(0) == pytest.approx(lost)
    # a better move than the agent's is none: it expects -0.9 of an arm that pays -0.5
    assert session(Bandit(), Leftmost(value=-0.9), played=[2]).loss(0) == 0.0
    # taking 1 of 10 earns another move at 9 stones, a lost heap: -1 where 2 stones keep +1
    game = Nim(10, take=2, again=True)
    planted = game.qvalues(game.init(np.random.default_rng(0), 1))[0]
    at = session(game, Knowing(), played=[0])
    assert at.now.mover == 0
    assert at.loss(0) == pytest.approx(float(np.max(planted) - planted[0]))


def test_an_opinion_is_formed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    player, asked = Leftmost(), []
    decide = player.decide

    def counted(*arguments: Any) -> Decision:
        asked.append(1)
        return decide(*arguments)

    monkeypatch.setattr(player, "decide", counted)
    at = session(Connect4(), player)
    assert at.opinion() is at.opinion(0)
    at.play(5)
    at.opinion()
    at.undo()
    at.opinion()
    assert len(asked) == 2
    at.play(6)
    at.opinion()
    assert len(asked) == 3


def test_restart_rolls_the_dice_again() -> None:
    at = session(Dice(10), seed=3)
    starts = set()
    for _ in range(30):
        starts.add(at.game.text(at.now.state, 0))
        at.play(at.legal()[0])
        at.restart()
        assert len(at.history) == 1
    assert len(starts) > 3


def test_search_and_net_opinions_side_by_side(no_opinion: Evaluator) -> None:
    """One move from winning: the net shrugs, the search knows."""
    at = advised(Connect4(), no_opinion)
    for action in (0, 1, 0, 1, 0, 1):
        at.play(action)
    opinion = at.opinion()
    assert opinion.action == 0
    assert opinion.value == pytest.approx(1.0)
    assert opinion.net is not None
    assert opinion.net.value == 0.0
    assert opinion.net.policy == pytest.approx(np.full(7, 1 / 7))


# --- the terminal --------------------------------------------------------------------------------


def test_a_game_on_the_screen() -> None:
    lines = typed(session(Connect4(4, 2, 2)), "2", "2", "quit")
    assert lines == [
        "connect4-4x2-2 against leftmost: you move first.",
        "Type a move, or: hint, think, why, undo, go, new, help, quit.",
        *board("....", "....", "1234"),
        "your move> ",
        "leftmost plays 1 and expects +0.00.",
        *board("....", "OX..", "1234"),
        "your move> ",
        *board(".X..", "OX..", "1234"),
        "You win!",
        "'new' begins another game, 'undo' takes back your last move, 'quit' leaves.",
        "> ",
        "Bye.",
    ]


def test_moves_without_an_answer_are_told() -> None:
    """10 stones, and a move that leaves a multiple of 3 earns another; 'leftmost' takes one."""
    game = Nim(10, take=2, again=True)
    lines = typed(session(game), "1", "2", "1")
    told = [line for line in lines if line.endswith("again.") or "plays 1" in line]
    assert told == [
        "You move again.",  # 9 are left
        "leftmost plays 1 and expects +0.00.",  # 7 were left
        "leftmost moves again.",
        "leftmost plays 1 and expects +0.00.",  # 6 were left
        "leftmost plays 1 and expects +0.00.",  # 4 were left
        "leftmost moves again.",
        "leftmost plays 1 and expects +0.00.",  # 3 were left
    ]


def test_the_agent_opens_when_the_person_is_second_and_losing_and_drawing_are_told() -> None:
    lines = typed(session(Connect4(4, 2, 2), side=1))
    assert lines[0] == "connect4-4x2-2 against leftmost: you move second."
    assert lines[5] == "leftmost plays 1 and expects +0.00."
    assert lines[6:9] == board("....", "X...", "1234")
    assert "You lost." in typed(session(Connect4(4, 3, 2)), "4", "2")
    assert "A draw." in typed(session(Standoff(2), Knowing()), "1")


def test_one_player_games_have_no_opponent_and_returns_instead_of_wins() -> None:
    lines = typed(session(Coins(2), Knowing()), "think", "2", "1")
    assert lines[0] == "coins: you play, knowing advises."
    assert any(line.split() == ["move", "policy", "visits", "Q"] for line in lines)
    assert "Your move lost 0.50: 1 was better. 'undo' lets you try again." in lines
    assert "The game is over: your return is +0.50." in lines


def test_hint_think_and_why() -> None:
    lines = typed(session(Nim(10, take=3), Knowing()), "why", "hint", "think", "2", "why")
    assert "the agent has not moved yet ('think' shows your own moves)" in lines
    assert "knowing would play 2, expecting +1.00." in lines
    first = lines.index("With 2 knowing expects +1.00.")
    table = [line.split() for line in lines[first - 4 : first]]
    assert table == [
        ["move", "policy", "visits", "win"],
        ["2", "100.0%", "1", "100.0%"],
        ["1", "0.0%", "1", "0.0%"],
        ["3", "0.0%", "1", "0.0%"],
    ]
    # of ten, two leave eight; then whatever the loser takes is made up to four
    assert lines[first + 1] == "It expects 2 1 3 1 3."
    assert session(Nim(3, take=3), Knowing()).variation(0, 5) == [2]  # all three at once
    assert session(Nim(5, take=3), Knowing()).variation(0, 5) == [0, 0, 2]
    assert "With 1 knowing expects -1.00." in lines[first:]  # the agent's move, its own view


def test_the_table_shows_what_the_net_thought(no_opinion: Evaluator) -> None:
    lines = typed(advised(TicTacToe(), no_opinion), "think")
    heading = next(i for i, line in enumerate(lines) if line.startswith("move"))
    assert lines[heading].split() == ["move", "net", "policy", "visits", "win"]
    rows = [line.split() for line in lines[heading + 1 : heading + 10]]
    assert {row[1] for row in rows} == {"11.1%"}
    assert sum(int(row[3]) for row in rows) == 32
    assert lines[heading + 10].startswith("The net alone expects +0.00. With ")


def test_a_terminal_remembers_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """The arrow keys work once readline is there; elsewhere it stays away, for it prints codes."""

    for stream, loaded in ((io.StringIO("1\n"), False), (Terminal("1\n"), True)):
        monkeypatch.setattr(sys, "stdin", stream)
        monkeypatch.setattr(sys, "stdout", Terminal())
        monkeypatch.delitem(sys.modules, "readline", raising=False)
        assert read_line("> ") == "1"
        assert ("readline" in sys.modules) is loaded


def test_visits_are_hidden_where_nothing_is_visited() -> None:
    """A solver knows the results: a win, a draw is half of one."""
    lines = typed(session(TicTacToe(), SolverPlayer(TicTacToe())), "think")
    heading = next(i for i, line in enumerate(lines) if line.startswith("move"))
    assert lines[heading].split() == ["move", "policy", "win"]
    assert {line.split()[2] for line in lines[heading + 1 : heading + 10]} == {"50.0%"}


def test_long_tables_are_cut_and_go_lets_the_agent_move_for_the_person(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(terminals, "ROWS", 3)
    at = session(Connect4())
    lines = typed(at, "think", "go")
    assert "and 4 more" in lines
    assert "leftmost plays for you." in lines
    assert moves(at) == "1 1"


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (
            "8",
            "'8' is not a column: expected a number from 1 to 7 ('help' lists what you can type)",
        ),
        ("   ", None),
        ("undo", "there is no move of yours to take back"),
        ("udno", "did you mean 'undo'?"),
        ("quti", "did you mean 'quit'?"),
        ("4 4", "'4 4' is not a column"),
        ("\x00", "is not a column"),
        ("[bold]", "'[bold]' is not a column"),
    ],
)
def test_what_cannot_be_is_a_sentence_and_asks_again(line: str, sentence: str | None) -> None:
    at = session(Connect4())
    lines = typed(at, line)
    assert moves(at) == ""
    assert lines.count("your move> ") == 2
    answer = " ".join(lines[lines.index("your move> ") + 1 : -3])
    assert (sentence in answer) if sentence else (answer == "")


def test_a_full_column_and_after_the_end_undo_new_and_sentences() -> None:
    full = "1 cannot be played here; what can be: 2 3 ('help' lists what you can type)"
    assert full in typed(session(Connect4(3, 2, 3)), "1", "1")
    at = session(Connect4(4, 2, 2))
    lines = typed(at, "2", "2", "hint", "3", "go", "undo", "hint", "new", "hint")
    assert lines.count("the game is over: there is nothing left to think about") == 2
    assert "3 cannot be played: the game is over ('help' lists what you can type)" in lines
    assert lines.count("leftmost would play 1, expecting +0.00.") == 2
    assert moves(at) == ""


def test_ctrl_c_and_end_of_input_are_polite_and_help_names_every_command() -> None:
    assert typed(session(Connect4()), KeyboardInterrupt())[-2:] == ["", "Bye."]
    assert typed(session(Connect4()))[-2:] == ["", "Bye."]
    lines = typed(session(Connect4()), "?", "q")
    assert lines[-1] == "Bye."
    shown = {line.split()[0] for line in lines if line.startswith("  ")}
    assert shown == {
        "MOVE", "hint", "think", "why", "undo", "go", "board", "review", "save", "new", "help",
        "quit",
    }  # fmt: skip


def test_a_legal_move_comes_before_a_command_of_the_same_name() -> None:
    class Named(Bandit):
        def parse_action(self, text: str) -> int:
            return {"hint": 0, "undo": 1, "go": 2}.get(text, 0)

    at = session(Named(), Knowing())
    typed(at, "undo")
    assert at.history[0].action == 1


@pytest.mark.parametrize(
    "spec", ["connect4", "connect4?width=5&height=4&run=3", "othello?size=6", "tictactoe", "nim"]
)
@pytest.mark.parametrize("side", [0, 1])
def test_every_game_can_be_played_to_its_end(spec: str, side: int) -> None:
    """The agent plays both sides by 'go'; the game ends with a word on the outcome."""
    game = example(spec)
    at = session(game, MinimaxPlayer(2), side)
    lines = typed(at, *["go"] * game.max_moves)
    assert at.now.over
    verdict = {1.0: "You win!", 0.0: "A draw.", -1.0: "You lost."}[at.outcome()]
    assert verdict in lines


def test_perfect_play_from_the_first_move_wins_nim() -> None:
    """10 stones, take up to 3: whoever moves first and plays well wins."""
    at = session(Nim(10, take=3), SolverPlayer(Nim(10, take=3)))
    lines = typed(at, *["go"] * 10)
    assert "You win!" in lines
    assert not any("Your move lost" in line for line in lines)


def test_a_random_opponent_repeats_itself_by_the_seed() -> None:
    def line_of_play(seed: int) -> str:
        at = session(Connect4(), RandomPlayer(), seed=seed)
        typed(at, *["go"] * 4)
        return moves(at)

    assert line_of_play(5) == line_of_play(5)
    assert line_of_play(5) != line_of_play(6)


# --- what a move is said to have cost ------------------------------------------------------------


@pytest.mark.parametrize("name", ["mcts:200", "mcts:20", "minimax:3"])
def test_mirror_images_cost_nothing(name: str) -> None:
    """The four openings of Othello are one: whichever the player prefers, none is worse."""
    game = example("othello?size=6")
    for action in np.flatnonzero(game.legal(game.init(np.random.default_rng(0), 1))[0]).tolist():
        player = make_player(name, game, lambda *_: pytest.fail("no run"))
        at = session(game, player, seed=action, played=[action])
        assert at.loss(0) == 0.0


def test_a_difference_within_the_noise_costs_nothing() -> None:
    """Connect Four, second moves in the middle and beside it, by few rollouts: nobody can know."""
    game = Connect4()
    for seed in range(6):
        player = make_player("mcts:60", game, lambda *_: None)
        at = session(game, player, seed=seed, played=(3, 2 + 2 * (seed % 2)))
        assert at.loss(1) == 0.0


def test_a_blunder_is_beyond_the_noise() -> None:
    """Three in a column are left alone; three in a row, open on both sides, cannot be stopped."""
    game = Connect4()
    for seed in range(3):
        player = make_player("mcts:400", game, lambda *_: None)
        # the other wins at once, but 1 and 5 would not have helped either
        assert session(game, player, seed=seed, played=(2, 2, 3, 3, 4, 6)).loss(5) == 0.0
        # the column could have been closed
        assert session(game, player, seed=seed, played=(3, 0, 3, 0, 3, 6)).loss(5) > 0.5


def test_a_net_alone_says_nothing_of_what_a_move_cost(hashed: Evaluator) -> None:
    at = session(Connect4(), NetPlayer("net", hashed), played=(3, 0, 3, 0, 3, 6))
    assert all(at.loss(ply) == 0.0 for ply in range(6))


def test_the_standard_error_of_a_mean() -> None:
    means = [(0.0, 100), (0.6, 64), (1.0, 10), (1.0, 0), (-1.0, 0)]
    errors = [standard_error(value, visits) for value, visits in means]
    assert errors == pytest.approx([0.1005, 0.1012, 0.1, 0.0, 0.0], abs=1e-4)
    assert standard_error(0.3, 0) == float("inf")  # a value without visits is a guess


def test_the_game_is_reviewed_and_saved_where_it_is_played(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of ten stones three hand the win over: 'leftmost' does not see it, the solver does."""
    monkeypatch.chdir(tmp_path)
    at = session(Nim(10, take=3))
    lines = typed(at, "review", "save", "3", "review", "save games.txt", "save no/games.txt")
    assert "no move has been played: there is nothing to review" in lines
    assert "name the file: save FILE" in lines
    row = next(line.split() for line in lines if line.startswith("1  first "))
    assert row[2:6] == ["3", "??", "50%", "2.00"]
    assert row[-3:] == ["win", "->", "loss"]
    assert any(line.startswith("Move 1: first played 3??, a blunder") for line in lines)
    assert "The game is in games.txt; 'selfplay review' reads it." in lines
    assert (tmp_path / "games.txt").read_text() == (
        "# game: nim-10-3\n3 1 * # opening 0 seed 0, you against leftmost: *\n"
    )
    assert any(line.startswith("there is no folder no to save games.txt in") for line in lines)


def test_a_review_asks_for_no_opinion_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    at, asked = session(Nim(10, take=3), Knowing(), played=(2, 0)), []
    think = at._think

    def counted(state: State) -> Any:
        asked.append(at.game.text(state, 0))
        return think(state)

    monkeypatch.setattr(at, "_think", counted)
    for _ in range(2):
        judged = by_ply(at.course().judge(at.history))
        assert [(each.lost, each.better) for each in judged] == [(2.0, 1), (2.0, 2)]
        assert [asked.count(at.game.text(each.state, 0)) for each in at.history] == [1, 1, 1]
