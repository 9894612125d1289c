"""What a regime's section says of itself, so that nobody else keeps a list of regimes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, NamedTuple

from selfplay.regimes.loop import Loop, Parts
from selfplay.section import Section

Cost = Literal["search", "net", "nothing", "unknown"]


class Look(NamedTuple):
    """How runs of one kind are shown where runs are compared."""

    kind: str  # that they are compared as, see ``RegimeSection.compared_as``
    title: str  # in a sentence
    light: str  # its colour on white paper, #rrggbb
    dark: str
    asks_net: bool = True  # False: it was measured without
    note: str = ""  # what a reader must know of such runs


class RegimeSection(Section):
    """Section ``[regime]``; the class variables' defaults serve a regime that says nothing."""

    looks: ClassVar[tuple[Look, ...]] = ()  # of the kinds that its runs are compared as
    taught: ClassVar[bool] = False  # learns what others know, not what its own games tell
    # of the play that makes a position: a search, an answer of the net alone, nothing where the
    # positions are there already; of unknown ones nothing is foretold
    position_cost: ClassVar[Cost] = "search"
    begins_with: ClassVar[str] = "playing"  # each iteration

    kind: str

    def open(self, parts: Parts) -> Loop:
        """The regime at work; ValueError with a sentence where it cannot be for these parts."""
        raise NotImplementedError

    @classmethod
    def compared_as(cls, config: Mapping[str, Any]) -> tuple[str, str]:
        """The kind that a run is compared as, and who taught it where its options tell.

        ``config``: what its ``config.json`` holds.
        """
        return str(cls.model_fields["kind"].default), ""
