"""What every listing takes."""

from typing import Annotated, TypedDict

from annotated_types import Ge

from ultravox_async.types._markers import InQuery


class ListOptions(TypedDict, total=False):
    """Which page of a listing to begin with, and how large the pages are."""

    page_size: Annotated[int, Ge(1), InQuery] | None
    """The number of results on a page, 1 or more; None for the default of the API. The API may return fewer."""

    cursor: Annotated[str, InQuery] | None
    """Where to continue, from `Page.next_cursor`; None to start at the beginning."""
