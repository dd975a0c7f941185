"""The base class of resources."""

import re
from collections.abc import Coroutine, Mapping
from functools import cache
from operator import attrgetter
from typing import Any, Final, TypeVar, cast

from ultravox_async._bulk.ids import Ids
from ultravox_async._bulk.source import Source
from ultravox_async._bulk.sweep import Sweep, Via
from ultravox_async._download import Download
from ultravox_async._http.messages import Request, Response
from ultravox_async._http.operation_class import OperationClass
from ultravox_async._http.scheduler import Priority
from ultravox_async._http.transport import Transport
from ultravox_async._http.uploads import FormBody, UploadSource, opened
from ultravox_async._pagination import Page, Pager
from ultravox_async._wire.names import wire_name
from ultravox_async._wire.paths import segment
from ultravox_async._wire.payload import payload_of_change, payload_of_creation, take_secrets

T = TypeVar("T")

SWEEP_PAGE_SIZE: Final = 1000
"""How many objects a sweep asks for on a page. The API may return fewer; how many it does is read from the pages."""

_NO_FIELDS: Final[Mapping[str, str]] = {}


class Resource:
    """A group of operations. Its only state is the transport."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def __repr__(self) -> str:
        offered = ", ".join(name for name in dir(self) if not name.startswith("_"))
        return f"<{type(self).__name__} at {self._transport.origin}: {offered}>"

    def _send(  # noqa: PLR0913, PLR0917 - what an operation consists of; each method passes two to six
        self,
        method: str,
        template: str,
        result_type: type[T],
        fields_type: type | None = None,
        fields: Mapping[str, object] | None = None,
        operation: OperationClass = OperationClass.GENERAL,
        /,
        **ids: str,
    ) -> Coroutine[Any, Any, T]:
        """Return a coroutine that carries out an operation.

        `fields` are the keyword arguments of the method that calls this, whose frame is in the traceback of any error.
        The mapping is emptied, so that a traceback with locals shows no secret. This is not a coroutine function, so
        that the mapping is empty as soon as this is called, not only once the result is awaited.

        Args:
            method: The HTTP method. A PATCH sends None as null, and is refused if it has no fields.
            template: The path, with the names of ids in braces.
            result_type: The type into which the response is decoded.
            fields_type: The TypedDict of the body and the query; None for neither.
            fields: The fields of the body and the query.
            operation: The class of operations, which have limits of their own.
            **ids: The ids in the path.

        Raises:
            TypeError: A field does not exist, or a required one is missing.
            InvalidRequestError: An id is invalid, or a field exceeds its limit.
        """
        # To type checkers a TypedDict is not a mutable mapping, because clear() could remove a required key.
        secrets = take_secrets(cast("dict[str, object]", fields)) if fields else {}
        request = request_for(method, template, ids)
        request.operation = operation
        if fields_type is not None:
            make_payload = payload_of_change if method == "PATCH" else payload_of_creation
            payload = make_payload(fields_type, secrets)
            request.query, request.body = payload.query, payload.body
        return self._transport.fetch(request, result_type)

    async def _delete(self, template: str, /, **ids: str) -> None:
        """Carry out an operation whose response has no body."""
        await self._transport.perform(request_to("DELETE", template, **ids))

    def _send_form(
        self, template: str, file: UploadSource, form: Mapping[str, str] = _NO_FIELDS, /
    ) -> Coroutine[Any, Any, Response]:
        """Return a coroutine that sends a form with a file (``multipart/form-data``).

        Args:
            template: The path.
            file: What is uploaded.
            form: The other fields, by their names in the form.

        Raises:
            InvalidRequestError: `file` is nothing that can be uploaded.
            OSError: The file cannot be opened.
        """
        request = Request("POST", template)

        async def upload() -> Response:
            async with self._transport.streaming(), opened(file) as content:
                request.body = FormBody(content, form)
                return await self._transport.send(request)

        return upload()

    def _download(self, template: str, /, **ids: str) -> Download:
        """Return a download.

        Raises:
            InvalidRequestError: An id is invalid.
        """
        return Download(self._transport, request_to("GET", template, **ids))

    def _list(
        self,
        template: str,
        result_type: type[T],
        filters_type: type,
        filters: Mapping[str, object],
        /,
        **ids: str,
    ) -> Pager[T]:
        """Return the pager of a listing.

        Args:
            template: The path, with the names of ids in braces.
            result_type: The type of one result.
            filters_type: The TypedDict of the query; all its fields are `InQuery`.
            filters: The fields of the query.
            **ids: The ids in the path.

        Raises:
            TypeError: A filter does not exist.
            InvalidRequestError: An id is invalid, or a filter exceeds its limit.
        """
        payload = payload_of_creation(filters_type, take_secrets(dict(filters)))
        request = request_to("GET", template, **ids)
        request.query, request.priority = payload.query, Priority.BACKGROUND
        return Pager(self._transport, request, Page[result_type])  # type: ignore[valid-type]  # a type at run time

    def _sweep(  # noqa: PLR0913, PLR0917 - likewise
        self,
        ids: Ids,
        template: str,
        result_type: type[T],
        id_name: str,
        listing: Pager[T],
        concurrency: int,
        via: Via,
        /,
        **parents: str,
    ) -> Sweep[T]:
        """Return the sweep that fetches many objects.

        Args:
            ids: The ids.
            template: The path of one object, with the names of ids in braces.
            result_type: The type of one object.
            id_name: The attribute of an object that is its id, and the name in the template.
            listing: Lists all objects.
            concurrency: The maximum number of requests in flight.
            via: How the objects are fetched.
            **parents: The other ids in the template, which all objects have in common.

        Raises:
            InvalidRequestError: `ids`, `concurrency`, `via` or the id of a parent is not valid.
        """
        source = self._source(template, result_type, id_name, listing, **parents)
        return Sweep(self._transport, ids, source, concurrency, via)

    def _source(
        self, template: str, result_type: type[T], id_name: str, listing: Pager[T], /, **parents: str
    ) -> Source[T]:
        """Return where many objects of one type come from; the arguments are those of `_sweep`.

        Raises:
            InvalidRequestError: The id of a parent is not valid.
        """
        for name, value in parents.items():
            template = template.replace(f"{{{name}}}", segment(value, name))

        async def fetch(key: str) -> T:
            request = request_for("GET", template, {id_name: key})
            request.priority = Priority.BACKGROUND
            return await self._transport.fetch(request, result_type)

        return Source(result_type, template, fetch, listing, attrgetter(id_name))


def request_for(method: str, template: str, ids: Mapping[str, str]) -> Request:
    """Return a request without a body. If its path ends with an id, its response has to have that id.

    Raises:
        InvalidRequestError: An id is invalid.
    """
    request = request_to(method, template, **ids)
    last = _id_at_the_end(template)
    if last is not None:
        request.identity = wire_name(last), ids[last]
    return request


@cache
def _id_at_the_end(template: str) -> str | None:
    match = re.search(r"\{(\w+)\}$", template)
    return None if match is None else match[1]


def request_to(method: str, template: str, /, **ids: str) -> Request:
    """Return a request without a body.

    Raises:
        InvalidRequestError: An id is invalid.
    """
    return Request(method, template.format(**{name: segment(value, name) for name, value in ids.items()}), template)
