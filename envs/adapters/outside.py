"""What copies of an environment do not carry: shared generators, the clock."""

from __future__ import annotations

import datetime
import itertools
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

_OBJECTS = 100_000  # looked at in one environment, at most
_CLOCKS = ("time", "monotonic", "perf_counter", "process_time", "thread_time")
_EPOCH = 1_700_000_000.0  # seconds
_OPAQUE = (type, ModuleType, FunctionType, BuiltinFunctionType, str, bytes, int, float, complex)


def wrapped(env: Any) -> Iterator[Any]:
    """``env``, what it wraps, what that wraps, ..."""
    while env is not None:
        yield env
        env = getattr(env, "__dict__", {}).get("env")


def generators(env: Any) -> list[Any]:
    """The generators of random numbers inside ``env``, in an order that its copies share."""
    found: list[Any] = []
    seen: set[int] = set()
    waiting = [env]
    while waiting and len(seen) < _OBJECTS:
        each = waiting.pop()
        if id(each) in seen or each is None or isinstance(each, _OPAQUE):
            continue
        seen.add(id(each))
        if _is_generator(each):
            found.append(each)
        else:
            waiting.extend(_parts(each))
    return found


def _parts(each: Any) -> list[Any]:
    if isinstance(each, dict):
        return list(each.values())
    if isinstance(each, (list, tuple, set, frozenset)):
        return list(each)
    if isinstance(each, np.ndarray):
        return list(each.flat) if each.dtype == object else []
    if isinstance(each, MethodType):
        return [each.__self__]
    slots = [name for kind in type(each).__mro__ for name in getattr(kind, "__slots__", ())]
    return [*getattr(each, "__dict__", {}).values(), *(getattr(each, name, None) for name in slots)]


def _is_generator(each: Any) -> bool:
    torch = sys.modules.get("torch")
    known = (np.random.Generator, np.random.RandomState, random.Random)
    return isinstance(each, known) or (torch is not None and isinstance(each, torch.Generator))


def random_state(generator: Any) -> Any:
    """What the next draws of a generator follow from, comparable by ``==``."""
    if isinstance(generator, np.random.Generator):
        return str(generator.bit_generator.state)
    if isinstance(generator, np.random.RandomState):
        return str(generator.get_state(legacy=False))
    if isinstance(generator, random.Random):
        return generator.getstate()
    return bytes(generator.get_state().numpy())


def reseed(generator: Any, seed: int) -> None:
    """Makes the next draws of a generator follow from ``seed``."""
    if isinstance(generator, np.random.Generator):
        kind: Any = type(generator.bit_generator)
        generator.bit_generator.state = kind(seed).state
    elif isinstance(generator, (np.random.RandomState, random.Random)):
        generator.seed(seed)
    else:
        generator.manual_seed(seed)


class Shared:
    """The generators that all of the program shares, and where they stood."""

    def __init__(self) -> None:
        self._known: list[tuple[str, Any, Any, Any]] = [  # how its state is had, put back, seeded
            ("Python's module random", random.getstate, random.setstate, random.seed),
            ("numpy.random", np.random.get_state, np.random.set_state, np.random.seed),
        ]
        if torch := sys.modules.get("torch"):
            calls = torch.get_rng_state, torch.set_rng_state, torch.manual_seed
            self._known.append(("torch", *calls))
        self._states = [state() for _, state, _, _ in self._known]

    def drawn_from(self) -> str | None:
        """The name of the one that has been drawn from since; None if none has."""
        for (name, state, _, _), then in zip(self._known, self._states, strict=True):
            if not _equal(then, state()):
                return name
        return None

    def restore(self) -> None:
        """Puts all back to where they stood."""
        for (_, _, put, _), then in zip(self._known, self._states, strict=True):
            put(then)

    def reseed(self, seed: int) -> None:
        """Lets all go on from ``seed``."""
        for _, _, _, start in self._known:
            start(seed)


def _equal(then: Any, now: Any) -> bool:
    if isinstance(then, tuple):
        return all(_equal(a, b) for a, b in zip(then, now, strict=True))
    return bool(np.array_equal(then, now))


@contextmanager
def clock_showing(env: Any, seconds: float) -> Iterator[None]:
    """The clocks that the modules of ``env`` and those that they use read show ``seconds`` more
    than a fixed time.

    A look at a clock takes a hundredth of a second, so that nobody waits for ever.
    """
    reads = itertools.count()

    def now() -> float:
        return _EPOCH + seconds + next(reads) / 100

    instead: dict[Any, Any] = {getattr(time, name): now for name in _CLOCKS}
    instead |= {getattr(time, f"{name}_ns"): lambda: int(now() * 1e9) for name in _CLOCKS}
    instead |= _calendar_by(now)
    changed: list[tuple[ModuleType, str, Any]] = []
    try:
        for module in (time, datetime, *_modules_of(env)):
            for name, value in list(vars(module).items()):
                if isinstance(value, (BuiltinFunctionType, type)) and value in instead:
                    changed.append((module, name, value))
                    setattr(module, name, instead[value])
        yield
    finally:
        for module, name, value in changed:
            setattr(module, name, value)


def _calendar_by(now: Callable[[], float]) -> dict[Any, Any]:
    """What stands for the functions that tell the date, where ``now`` is the present."""
    local, world, form, words = time.localtime, time.gmtime, time.strftime, time.asctime
    return {
        datetime.datetime: _datetime_by(now),
        time.clock_gettime: lambda clock: now(),
        time.clock_gettime_ns: lambda clock: int(now() * 1e9),
        time.ctime: lambda seconds=None: words(local(now() if seconds is None else seconds)),
        words: lambda moment=None: words(moment or local(now())),
        local: lambda seconds=None: local(now() if seconds is None else seconds),
        world: lambda seconds=None: world(now() if seconds is None else seconds),
        form: lambda pattern, moment=None: form(pattern, moment or local(now())),
    }


def _datetime_by(now: Callable[[], float]) -> type:
    """A class ``datetime`` whose present is ``now``."""

    class Datetime(datetime.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return cls.fromtimestamp(now(), tz)

        @classmethod
        def utcnow(cls) -> Any:
            return cls.fromtimestamp(now(), datetime.UTC).replace(tzinfo=None)

        @classmethod
        def today(cls) -> Any:
            return cls.fromtimestamp(now())

    return Datetime


def _modules_of(env: Any) -> list[ModuleType]:
    """The modules of the classes of ``env`` and of what it wraps, and what these modules use."""
    names: set[str] = set()
    for each in wrapped(env):
        names |= {kind.__module__ for kind in type(each).__mro__}
    for module in [sys.modules[name] for name in names if name in sys.modules]:
        used = vars(module).values()
        names |= {each.__name__ for each in used if isinstance(each, ModuleType)}
        names |= {str(each.__module__) for each in used if isinstance(each, (type, FunctionType))}
    own = [name for name in names if name.partition(".")[0] not in sys.stdlib_module_names]
    return [sys.modules[name] for name in sorted(own) if name in sys.modules]
