"""For Pythons that this process starts, what lies in the folder at hand is no module.

A stranger's ``yaml.py`` or ``numba.py`` there would be run as that library.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

_NAME = "PYTHONSAFEPATH"
_OURS = "selfplay"  # any text will do; this one nobody else has set


def keep_out() -> None:
    """From now on, for all but the programs of others."""
    os.environ.setdefault(_NAME, _OURS)


def of_others() -> dict[str, str]:
    """Surroundings for a program of another, which may lie in several modules side by side."""
    return {name: value for name, value in os.environ.items() if (name, value) != (_NAME, _OURS)}


@contextlib.contextmanager
def kept_out() -> Iterator[None]:
    """For what multiprocessing starts meanwhile; the surroundings of other threads stay."""
    from multiprocessing import util  # here: it takes long for ``--help``

    flags = util._args_from_interpreter_flags  # type: ignore[attr-defined]
    util._args_from_interpreter_flags = lambda: [*flags(), "-P"]  # type: ignore[attr-defined]
    try:
        yield
    finally:
        util._args_from_interpreter_flags = flags  # type: ignore[attr-defined]
