"""A section of a recipe: options with their meaning, from which the documentation is printed."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """Base of all sections; the string under an option says what it means.

    Raises pydantic's ValidationError on options it does not know and numbers that are not finite.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
    )
