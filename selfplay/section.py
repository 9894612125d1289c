"""What a part of a run says of itself: its options and its metrics, with their meaning."""

from __future__ import annotations

import re
from typing import ClassVar, Literal, NamedTuple, cast, get_args

from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo


class Metric(NamedTuple):
    """One curve of a run, from which log, screen, report, comparison and documentation are told."""

    name: str  # "learn/kl"; words in capitals stand for what varies, as in "strength/vs_PLAYER"
    meaning: str
    unit: str = ""  # "share" lies between 0 and 1; empty: a count
    better: Literal["up", "down", ""] = ""
    interval: bool = False  # NAME_low and NAME_high are the ends of its 95% interval
    label: str = ""  # on the screen of a training; empty: it is not shown there
    form: str = "{:,.0f}"  # its value there

    def matches(self, name: str) -> bool:
        """Whether ``name`` is a curve of this metric, ends of its interval left aside."""
        pattern = re.sub(r"[A-Z]{2,}", "[^/]+", self.name)
        return re.fullmatch(pattern, name) is not None


class Section(BaseModel):
    """Base of all sections; the string under an option says what it means.

    Raises pydantic's ValidationError on options it does not know and numbers that are not finite.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
    )

    metrics: ClassVar[tuple[Metric, ...]] = ()  # that runs have because of what it stands for


def kinds_of(field: FieldInfo) -> list[type[Section]]:
    """The classes of sections that a field of a configuration may hold."""
    return list(get_args(field.annotation)) or [cast("type[Section]", field.annotation)]
