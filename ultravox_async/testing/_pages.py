"""Cursor pages of a list that grows at its end and may lose any of its elements."""

import base64
import binascii
import re
from bisect import bisect_left
from collections.abc import Sequence
from operator import attrgetter
from typing import Generic, Protocol, TypeVar
from urllib.parse import quote

import attrs

from ultravox_async.testing._routing import ApiRequest, NotFound


class Positioned(Protocol):
    """An element of a list that is sorted by position."""

    @property
    def position(self) -> int:
        """A number that no other element of the list has, or ever had."""
        ...


_Element = TypeVar("_Element", bound=Positioned)

position_of = attrgetter("position")


@attrs.frozen
class PageSizes:
    """How many elements a page has."""

    default: int
    """How many it has when the request does not say."""

    maximum: int
    """How many it has at most."""

    def read(self, requested: str | None) -> int:
        """The page size for the pageSize of a request, which is None if it was not sent.

        A value that is not a number counts as not sent; a number out of range becomes the nearest allowed one.
        """
        try:
            size = self.default if requested is None else int(requested)
        except ValueError:
            size = self.default
        return min(max(size, 1), self.maximum)


@attrs.frozen
class Page(Generic[_Element]):
    """Consecutive elements of a list."""

    elements: Sequence[_Element]
    """The elements, in the order of the list."""

    previous: str | None
    """The URL of the page before this one, None if there is none."""

    next: str | None
    """The URL of the page after this one, None if there is none yet."""


@attrs.frozen
class _Cursor:
    # A cursor holds a position, not an id or an index: it stays valid when the element at that position is deleted,
    # and after the deletion of an earlier element it neither skips an element nor repeats one.
    direction: str
    """Whether the page starts "from" the position, or ends "before" it."""

    position: int

    def url(self, list_url: str, size: int) -> str:
        cursor = base64.urlsafe_b64encode(f"{self.direction}={self.position}".encode()).decode()
        return f"{list_url}?cursor={quote(cursor)}&pageSize={size}"


def read_page(elements: Sequence[_Element], request: ApiRequest, sizes: PageSizes) -> Page[_Element]:
    """The page that a request asks for, of elements that are sorted by position.

    Raises:
        NotFound: the cursor does not have the form of one that a page links to.
    """
    size = sizes.read(request.query.get("pageSize"))
    cursor = _read_cursor(request.query["cursor"]) if "cursor" in request.query else _Cursor("from", 0)
    edge = bisect_left(elements, cursor.position, key=position_of)
    start, end = (max(0, edge - size), edge) if cursor.direction == "before" else (edge, edge + size)
    # The previous page ends after the element that precedes this page now, whatever is deleted in the meantime.
    before = _Cursor("before", elements[start - 1].position + 1) if start > 0 else None
    after = _Cursor("from", elements[end].position) if end < len(elements) else None
    return Page(
        elements[start:end],
        previous=None if before is None else before.url(request.url, size),
        next=None if after is None else after.url(request.url, size),
    )


def _read_cursor(text: str) -> _Cursor:
    try:
        content = base64.b64decode(text.encode(), altchars=b"-_", validate=True)
    except binascii.Error:
        content = b""
    match = re.fullmatch(rb"(from|before)=([0-9]{1,18})", content)
    if match is None:
        raise NotFound("Invalid cursor")
    return _Cursor(match[1].decode(), int(match[2]))
