"""Cursor pages of a list that grows at its end and may lose any of its elements."""

import base64
import binascii
import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, Generic, Protocol, TypeVar
from urllib.parse import urlencode

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
class Order(Generic[_Element]):
    """The order of a list: by a text of each element, and then by position; or by position alone."""

    text_of: Callable[[_Element], str] | None
    """The text; None for the position alone."""

    descending: bool = False
    """Whether the texts descend. Elements with the same text are in the order of their positions in any case."""

    def sort(self, elements: Sequence[_Element]) -> Sequence[_Element]:
        """Put elements, which are sorted by position, into this order."""
        return elements if self.text_of is None else sorted(elements, key=self.key)

    def key(self, element: _Element) -> Any:  # noqa: ANN401 - anything that can be compared
        """What elements are sorted by."""
        text = "" if self.text_of is None else self.text_of(element)
        return self.key_at(element.position, text)

    def key_at(self, position: int, text: str) -> Any:  # noqa: ANN401 - likewise
        """What an element with this position and this text would be sorted by."""
        if self.text_of is None:
            return position
        return (_Descending(text) if self.descending else text, position)


@attrs.frozen
class _Descending:
    text: str

    def __lt__(self, other: "_Descending") -> bool:
        return other.text < self.text


BY_POSITION: Order[Any] = Order(None)
"""The order in which the elements were added."""


@attrs.frozen
class _Cursor:
    # A cursor holds a position, not an id or an index: it stays valid when the element at that position is deleted,
    # and after the deletion of an earlier element it neither skips an element nor repeats one.
    direction: str
    """Whether the page starts "from" the position, or ends "before" it."""

    position: int

    text: str
    """The text by which the list is sorted, empty if it is sorted by position."""

    def url(self, request: ApiRequest, size: int) -> str:
        cursor = base64.urlsafe_b64encode(f"{self.direction}={self.position}={self.text}".encode()).decode()
        filters = [(name, value) for name, value in request.query.items() if name not in {"cursor", "pageSize"}]
        return f"{request.url}?{urlencode([('cursor', cursor), ('pageSize', size), *filters])}"


def read_page(
    elements: Sequence[_Element], request: ApiRequest, sizes: PageSizes, order: Order[_Element] = BY_POSITION
) -> Page[_Element]:
    """The page that a request asks for, of elements that are in this order.

    Raises:
        NotFound: the cursor does not have the form of one that a page links to.
    """
    size = sizes.read(request.query.get("pageSize"))
    cursor = _read_cursor(request.query["cursor"]) if "cursor" in request.query else None
    edge = 0 if cursor is None else _edge(elements, cursor, order)
    is_before = cursor is not None and cursor.direction == "before"
    start, end = (max(0, edge - size), edge) if is_before else (edge, edge + size)
    # The previous page ends after the element that precedes this page now, whatever is deleted in the meantime.
    before = _cursor("before", elements[start - 1], 1, order) if start > 0 else None
    after = _cursor("from", elements[end], 0, order) if end < len(elements) else None
    return Page(
        elements[start:end],
        previous=None if before is None else before.url(request, size),
        next=None if after is None else after.url(request, size),
    )


def _edge(elements: Sequence[_Element], cursor: _Cursor, order: Order[_Element]) -> int:
    key = position_of if order.text_of is None else order.key
    return bisect_left(elements, order.key_at(cursor.position, cursor.text), key=key)


def _cursor(direction: str, element: _Element, offset: int, order: Order[_Element]) -> _Cursor:
    return _Cursor(direction, element.position + offset, "" if order.text_of is None else order.text_of(element))


def _read_cursor(text: str) -> _Cursor:
    try:
        content = base64.b64decode(text.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        content = ""
    match = re.fullmatch(r"(from|before)=([0-9]{1,18})=(.*)", content, re.DOTALL | re.ASCII)
    if match is None:
        raise NotFound("Invalid cursor")
    return _Cursor(match[1], int(match[2]), match[3])
