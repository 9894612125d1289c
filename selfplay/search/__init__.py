"""Batched tree search: one tree core, several rules."""

from typing import Annotated

from pydantic import Field

from selfplay.search.base import MAX_SIMULATIONS, Found
from selfplay.search.forest import Forest
from selfplay.search.gumbel import Gumbel
from selfplay.search.puct import Puct

Search = Annotated[Gumbel | Puct, Field(discriminator="kind")]

__all__ = ["MAX_SIMULATIONS", "Forest", "Found", "Gumbel", "Puct", "Search"]
