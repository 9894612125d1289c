"""Batched tree search: one tree core, several rules, one seam to what is searched (``model``).

No game and no net is known here, and nothing of what becomes of a decision.
"""

from typing import Annotated

from pydantic import Field

from selfplay.search.base import SearchResult
from selfplay.search.forest import Forest
from selfplay.search.gumbel import Gumbel
from selfplay.search.model import GameModel, Model
from selfplay.search.puct import Puct

Search = Annotated[Gumbel | Puct, Field(discriminator="kind")]

__all__ = ["Forest", "GameModel", "Gumbel", "Model", "Puct", "Search", "SearchResult"]
