"""Which games a file may name: those whose code is known, with options that stay small.

A file may come from a stranger, and building a game runs its code.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

_ENVIRONMENT = re.compile(r"pettingzoo\.(?:[a-z]\w*\.)?[a-z]\w*_v\d+(?::(?:raw_)?env)?")
_ID = re.compile(r"[\w.-]+-v\d+")
_WORD = re.compile(r"[\w.+-]{0,40}")
_MOST = 10_000  # of a number among the options of an adapted environment


def is_listed(spec: str, names: frozenset[str]) -> bool:
    """Whether ``spec`` names one of ``names``, or an environment of PettingZoo or Gymnasium.

    Of PettingZoo that is a module of its games, of Gymnasium an id that it comes with.  False also
    where an environment's options are more than short words and numbers.
    """
    address, _, query = spec.partition("?")
    if address in names or ":" not in address:
        return True  # what is in no list is refused with a sentence when it is built
    adapter, _, wrapped = address.partition(":")
    if adapter == "pettingzoo":
        known = _ENVIRONMENT.fullmatch(wrapped) is not None
    else:
        known = adapter == "gymnasium" and _comes_with_gymnasium(wrapped)
    return known and all(_is_small(text) for _, text in parse_qsl(query))


def _comes_with_gymnasium(name: str) -> bool:
    if not _ID.fullmatch(name):
        return False
    import gymnasium  # takes a moment: only where one is named

    entry = getattr(gymnasium.registry.get(name), "entry_point", None)
    return isinstance(entry, str) and entry.startswith("gymnasium.envs.")


def _is_small(text: str) -> bool:
    """A word without a path, and no number so large that it could fill the memory."""
    if not _WORD.fullmatch(text) or text.lower() == "human":  # render_mode=human opens a window
        return False
    try:
        return abs(float(text)) <= _MOST
    except ValueError:
        return True
