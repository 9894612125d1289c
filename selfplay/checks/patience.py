"""A line on standard error now and then, where something takes long."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import Self

_FIRST_S, _EVERY_S = 2.0, 5.0


class Patience:
    """While the context lasts: says what is being done, once that has taken two seconds."""

    def __init__(self, what: str) -> None:
        self._what, self._stage = what, ""
        self._began = time.monotonic()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._speak, daemon=True)

    def tell(self, stage: str) -> None:
        """Hears what is being done at present."""
        self._stage = f": {stage}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        self._thread.join()

    def _speak(self) -> None:
        wait = _FIRST_S
        while not self._done.wait(wait):
            wait = _EVERY_S
            if sys.stderr is not None:
                print(
                    f"{self._what}{self._stage} ({time.monotonic() - self._began:.0f} s)",
                    file=sys.stderr,
                )
