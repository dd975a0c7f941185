"""The schema of the API: ``ultravox.schema``."""

from collections.abc import Mapping
from typing import Any, Final, Literal, overload

from ultravox_async._http.headers import extra_headers
from ultravox_async._http.messages import Request
from ultravox_async._wire.paths import encoded_query
from ultravox_async._wire.payload import Secret
from ultravox_async.errors import InvalidRequestError
from ultravox_async.resources._base import Resource

# A server that uses both refuses a request whose Accept header and whose format do not agree.
_MEDIA_TYPES: Final[Mapping[str, str]] = {"json": "application/json", "yaml": "application/yaml"}


class Schema(Resource):
    """The schema of the API: ``ultravox.schema``."""

    @overload
    async def get(self, *, format: Literal["json"] = "json", lang: str | None = None) -> dict[str, Any]: ...

    @overload
    async def get(self, *, format: Literal["yaml"], lang: str | None = None) -> str: ...

    async def get(self, *, format: Literal["json", "yaml"] = "json", lang: str | None = None) -> dict[str, Any] | str:  # noqa: A002 - the API's name
        """Fetch the OpenAPI document of the API.

        Args:
            format: ``"json"`` for the document as dicts, lists and scalars, or ``"yaml"`` for its text as YAML.
            lang: The language of its descriptions, such as ``"de"``; None for the default of the API.

        Raises:
            InvalidRequestError: `format` is neither ``"json"`` nor ``"yaml"``; nothing was sent.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        if format not in _MEDIA_TYPES:
            raise InvalidRequestError("format", 'takes "json" or "yaml"')
        headers = extra_headers(Secret({"Accept": _MEDIA_TYPES[format]}))
        query = encoded_query({"format": format, "lang": lang})
        response = await self._transport.send(Request("GET", "/api/schema/", query=query, headers=headers))
        return response.decode(dict[str, Any]) if format == "json" else response.body.decode()
