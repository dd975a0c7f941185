"""Cursor pagination: `Page` is one page, `Pager` iterates over them."""

import contextlib
from collections.abc import AsyncGenerator
from typing import Generic, TypeVar, get_args

import attrs
from yarl import URL

from ultravox_async._http.messages import Request
from ultravox_async._http.transport import Transport
from ultravox_async._wire.text import one_line, without_user_information
from ultravox_async.errors import DecodeError

T = TypeVar("T")


@attrs.define
class Page(Generic[T]):
    """One page of a listing, as the API returns it."""

    results: list[T]
    """The results on this page."""

    next: str | None = None
    """The URL of the next page, absolute or relative; None on the last page."""

    previous: str | None = None
    """The URL of the previous page; None on the first page."""

    total: int | None = None
    """The number of results on all pages together; None if the API does not send it."""

    @property
    def next_cursor(self) -> str | None:
        """The cursor in `next`: pass it as ``cursor`` to continue from here later. None on the last page.

        Raises:
            DecodeError: `next` is not a URL.
        """
        if self.next is None:
            return None
        with contextlib.suppress(ValueError):
            return URL(self.next).query.get("cursor")
        raise DecodeError("a page", "next", "a URL", one_line(without_user_information(self.next), 200))


class Pager(Generic[T]):
    """The results of a listing: iterate over them with ``async for``, or over `pages`.

    Pages are fetched one by one as they are needed, so leaving the loop early saves requests. Each iteration starts at
    the first page again.
    """

    def __init__(self, transport: Transport, first: Request, page_type: type[Page[T]]) -> None:
        self._transport = transport
        self._first = first
        self._page_type = page_type

    def __repr__(self) -> str:
        (result_type,) = get_args(self._page_type)
        what = f"{result_type.__name__}, {self._first.method} {self._first.path}"
        return f'<Pager of {what}: iterate over it, or its .pages(), with "async for">'

    async def __aiter__(self) -> AsyncGenerator[T, None]:
        """Iterate over the results.

        Raises:
            UltravoxError: As `pages` does.
        """
        async with contextlib.aclosing(self.pages()) as pages:
            async for page in pages:
                for result in page.results:
                    yield result
                del page  # as in pages(): a traceback with locals would show its `next` link

    async def pages(self) -> AsyncGenerator[Page[T], None]:
        """Iterate over the pages.

        Raises:
            UltravoxError: A page could not be fetched.
            DecodeError: A page is not as documented; or its ``next`` is not a URL with a query, has the query of a page
                that this iteration has already fetched, or contains the API key.
        """
        request = self._first
        seen = {request.query}
        while True:
            page = (await self._transport.send(request)).decode(self._page_type)
            yield page
            if page.next is None:
                return
            query = self._query_of(page.next, seen)
            del page  # its `next` link may contain secrets, which a traceback with locals would show
            if isinstance(query, DecodeError):
                raise query
            seen.add(query)
            request = attrs.evolve(request, query=query)

    def _query_of(self, link: str, seen: set[str]) -> str | DecodeError:
        # Only the query of the link is used, with the path of the first request. A server behind a gateway puts an
        # origin and a path into the link that may not exist outside, and the key must not be sent to another origin.
        query = _query_in(link)
        if not query:
            return self._bad_link("a URL with a query", link)
        if query in seen:
            return self._bad_link("a page not fetched before", link)
        # URLs are logged by proxies and servers, and shown by tracebacks with locals.
        if self._transport.redacted(query) != query:
            return self._bad_link("a URL without the API key in its query", link)
        return query

    def _bad_link(self, expected: str, link: str) -> DecodeError:
        shown = one_line(self._transport.redacted(without_user_information(link)), 200)
        return DecodeError(f"{self._first.method} {self._first.path}", "next", expected, shown)


def _query_in(link: str) -> str:
    """Return the query of a link, percent-encoded; empty if there is none, or if the link is not a URL."""
    with contextlib.suppress(ValueError):
        return URL(link).raw_query_string
    return ""
