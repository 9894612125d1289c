"""Tasks that take turns."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from selfplay.actors.turns import Turns


def steps(turns: Turns, told: list[str], name: str, count: int) -> Callable[[], str]:
    def task() -> str:
        for step in range(count):
            told.append(f"{name}{step}")
            turns.pass_on()
        return name

    return task


def test_who_waits_lets_the_others_go_on_and_all_come_to_their_end() -> None:
    turns, told = Turns(), []
    tasks = [steps(turns, told, name, count) for name, count in (("a", 2), ("b", 4), ("c", 0))]
    assert turns.run(tasks) == ["a", "b", "c"]
    assert told == ["a0", "b0", "a1", "b1", "b2", "b3"]
    assert turns.run([steps(turns, told, "d", 2)]) == ["d"]  # alone it goes right on
    assert told[6:] == ["d0", "d1"]
    assert turns.run([]) == []


def test_what_one_raises_ends_all() -> None:
    turns, told = Turns(), []

    def fails() -> str:
        turns.pass_on()
        raise ValueError("no answer")

    with pytest.raises(ValueError, match="no answer"):
        turns.run([steps(turns, told, "a", 9), fails])
    assert told == ["a0", "a1"]
