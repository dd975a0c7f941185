"""The base class of resources."""

from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar, cast

from ultravox_async._http.messages import Request
from ultravox_async._http.scheduler import Priority
from ultravox_async._http.transport import Transport
from ultravox_async._wire.names import wire_name
from ultravox_async._wire.paths import segment
from ultravox_async._wire.payload import create_body, take_secrets, update_body

T = TypeVar("T")


class Resource:
    """A group of operations. Its only state is the transport."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def __repr__(self) -> str:
        offered = ", ".join(name for name in dir(self) if not name.startswith("_"))
        return f"<{type(self).__name__} at {self._transport.origin}: {offered}>"

    def _send(
        self,
        method: str,
        template: str,
        result_type: type[T],
        fields_type: type | None = None,
        fields: Mapping[str, object] | None = None,
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
            fields_type: The TypedDict of the body; None for no body.
            fields: The fields of the body.
            **ids: The ids in the path.

        Raises:
            TypeError: A field does not exist, or a required one is missing.
            InvalidRequestError: An id is invalid, or a field exceeds its limit.
        """
        # To type checkers a TypedDict is not a mutable mapping, because clear() could remove a required key.
        secrets = take_secrets(cast("dict[str, object]", fields or {}))
        request = request_for(method, template, ids)
        if fields_type is not None:
            make_body = update_body if method == "PATCH" else create_body
            request.body = make_body(fields_type, secrets)
        return self._transport.fetch(request, result_type)

    async def _get_in_background(self, template: str, result_type: type[T], /, **ids: str) -> T:
        """Fetch one of many, with a lower priority than single calls."""
        request = request_for("GET", template, ids)
        request.priority = Priority.BACKGROUND
        return await self._transport.fetch(request, result_type)


def request_for(method: str, template: str, ids: Mapping[str, str]) -> Request:
    """Return a request without a body. If its path ends with an id, its response has to have that id.

    Raises:
        InvalidRequestError: An id is invalid.
    """
    request = Request(method, path_of(template, **ids))
    for name, value in ids.items():
        if template.endswith(f"{{{name}}}"):
            request.identity = wire_name(name), value
    return request


def path_of(template: str, /, **ids: str) -> str:
    """Return the path with the ids filled in, percent-encoded.

    Raises:
        InvalidRequestError: An id is invalid.
    """
    return template.format(**{name: segment(value, name) for name, value in ids.items()})
