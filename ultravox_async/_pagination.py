"""Cursor pages: `Page` is one, `Pager` walks them."""

import contextlib
from collections.abc import AsyncGenerator
from typing import Generic, TypeVar

import attrs
from yarl import URL

from ultravox_async._transport import Request, Transport
from ultravox_async.errors import DecodeError, printable

T = TypeVar("T")


@attrs.define
class Page(Generic[T]):
    """One page of a listing, as the API returns it."""

    results: list[T]
    """What is on the page."""

    next: str | None = None
    """The URL of the page behind this one; None on the last page."""

    previous: str | None = None
    """The URL of the page before this one; None on the first page."""

    total: int | None = None
    """How many results all pages hold together; None where the API does not say."""

    @property
    def next_cursor(self) -> str | None:
        """The cursor in `next`: pass it as ``cursor`` to go on from here later. None on the last page.

        Raises:
            DecodeError: `next` is no URL.
        """
        if self.next is None:
            return None
        with contextlib.suppress(ValueError):
            return URL(self.next).query.get("cursor")
        raise DecodeError("a page", "next", "a URL", printable(self.next, 200))


class Pager(Generic[T]):
    """The results of a listing: iterate over them with ``async for``, or over `pages`.

    Pages are fetched one after the other as they are needed, so leaving the loop early saves requests. Each iteration
    starts again at the first page.
    """

    def __init__(self, transport: Transport, first: Request, page_type: type[Page[T]]) -> None:
        self._transport = transport
        self._first = first
        self._page_type = page_type

    def __repr__(self) -> str:
        return f"Pager({self._first.method} {self._first.path})"

    async def __aiter__(self) -> AsyncGenerator[T, None]:
        """Iterate over the results.

        Raises:
            UltravoxError: As `pages` does.
        """
        async with contextlib.aclosing(self.pages()) as pages:
            async for page in pages:
                for result in page.results:
                    yield result
                del page  # as in pages(): a traceback with locals would show its link

    async def pages(self) -> AsyncGenerator[Page[T], None]:
        """Iterate over the pages.

        Raises:
            UltravoxError: A page could not be fetched.
            DecodeError: A page is not as documented; or its ``next`` points to another origin, or to a page that this
                iteration has seen.
        """
        request = self._first
        seen = {request.query}
        while True:
            page = (await self._transport.send(request)).decode(self._page_type)
            yield page
            if page.next is None:
                return
            query = self._query_of(page.next, seen)
            del page  # its link may hold secrets, which a traceback with locals would show
            if isinstance(query, DecodeError):
                raise query
            seen.add(query)
            request = attrs.evolve(request, query=query)

    def _query_of(self, link: str, seen: set[str]) -> str | DecodeError:
        # Only the query of the link is followed: proxies rewrite paths, and the key has no business at another.
        with contextlib.suppress(ValueError):
            url = URL(link)
            if url.absolute and url.origin() == self._transport.origin:
                known = url.raw_query_string in seen
                return self._bad_link("a page not seen before", link) if known else url.raw_query_string
        return self._bad_link(f"a link to {self._transport.origin}", link)

    def _bad_link(self, expected: str, link: str) -> DecodeError:
        return DecodeError(
            f"{self._first.method} {self._first.path}", "next", expected, printable(self._transport.redacted(link), 200)
        )
