"""Actions that are named by numbers."""

from __future__ import annotations


class NumberedActions:
    """The part of a Game whose actions are called by number, ``first_number`` and on."""

    num_actions: int
    first_number = 1
    an_action = "an action"  # what the player is asked for

    def action_name(self, action: int) -> str:
        return str(action + self.first_number)

    def parse_action(self, text: str) -> int:
        word, first = text.strip(), self.first_number
        last = first + self.num_actions - 1
        if not word.isdecimal() or not first <= int(word) <= last:
            expected = f"expected a number from {first} to {last}"
            raise ValueError(f"{word!r} is not {self.an_action}: {expected}")
        return int(word) - first
