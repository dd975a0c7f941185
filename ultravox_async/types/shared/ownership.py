"""Whose a tool or a voice is."""

from typing import Literal, TypeAlias

Ownership: TypeAlias = Literal["public", "private"] | str
"""Whether it is everybody's, or the account's own. Open: the API may add values."""
