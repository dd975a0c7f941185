"""What every resource has."""

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
    """A group of operations; it holds the transport, nothing more."""

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
        """Return the coroutine that carries out an operation.

        `fields` are the keyword arguments of the method that calls this, and its frame is in every traceback. They are
        taken out of it at once, which is why this is no coroutine function: its first step might never come.

        Args:
            method: The HTTP method; a PATCH sends None as null, and refuses to change nothing.
            template: The path, with the names of ids in braces.
            result_type: What the answer is decoded into.
            fields_type: The TypedDict of the body; None for no body.
            fields: The fields of the body.
            **ids: The ids in the path.

        Raises:
            TypeError: A field is misspelt or missing.
            InvalidRequestError: An id cannot be one, or a field breaks its limit.
        """
        # To type checkers a TypedDict is not mutable, because any of its keys might be required.
        secrets = take_secrets(cast("dict[str, object]", fields or {}))
        request = request_for(method, template, ids)
        if fields_type is not None:
            make_body = update_body if method == "PATCH" else create_body
            request.body = make_body(fields_type, secrets)
        return self._transport.fetch(request, result_type)

    async def _get_in_background(self, template: str, result_type: type[T], /, **ids: str) -> T:
        """Fetch one of many: behind whatever was asked for by itself."""
        request = request_for("GET", template, ids)
        request.priority = Priority.BACKGROUND
        return await self._transport.fetch(request, result_type)


def request_for(method: str, template: str, ids: Mapping[str, str]) -> Request:
    """Return a request without a body. Where its path ends with an id, the answer has to be about that id.

    Raises:
        InvalidRequestError: An id cannot be one.
    """
    request = Request(method, path_of(template, **ids))
    for name, value in ids.items():
        if template.endswith(f"{{{name}}}"):
            request.identity = wire_name(name), value
    return request


def path_of(template: str, /, **ids: str) -> str:
    """Return a path with its ids in it, percent-encoded.

    Raises:
        InvalidRequestError: An id cannot be one.
    """
    return template.format(**{name: segment(value, name) for name, value in ids.items()})
