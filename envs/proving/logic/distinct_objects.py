"""Constants that stand for themselves: TPTP's distinct objects, as "a", and numbers.

Different objects are not equal, nor are numbers of different values, nor an object and a number.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from fractions import Fraction

NUMBER_START = frozenset("0123456789+-")
_LONG = 4000  # digits; numbers with more of them are not compared


def stands_for_itself(name: str) -> bool:
    """Whether a constant of this name is a distinct object or a number."""
    return name[:1] == '"' or name[:1] in NUMBER_START


def are_distinct(one: str, other: str) -> bool:
    """Whether constants of these names stand for different things whatever the rest means.

    False where the values of numbers are too long to be compared.
    """
    if not (stands_for_itself(one) and stands_for_itself(other)):
        return False
    if one[0] == '"' or other[0] == '"':
        return one != other
    values = _value(one), _value(other)
    if None in values:
        return False
    if any(isinstance(value, Fraction) for value in values) and any(
        isinstance(value, Decimal) and abs(value.adjusted()) > _LONG for value in values
    ):
        return False
    return values[0] != values[1]


def _value(number: str) -> Decimal | Fraction | None:
    """The value of a number as TPTP writes it; None if it is too long to be worked out."""
    whole, slash, below = number.partition("/")
    try:
        if not slash:
            return Decimal(number)
        return Fraction(int(whole), int(below)) if len(number) < _LONG else None
    except (InvalidOperation, ZeroDivisionError):
        return None
