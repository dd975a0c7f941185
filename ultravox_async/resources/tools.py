"""Tools: ``ultravox.tools``. The tools of a call are with the calls."""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias, Unpack

from ultravox_async._bulk.ids import Ids
from ultravox_async._bulk.sweep import Sweep, Via
from ultravox_async._http.messages import Response
from ultravox_async._http.uploads import UploadSource
from ultravox_async._pagination import Pager
from ultravox_async._wire.payload import Secret, json_body
from ultravox_async.resources._base import SWEEP_PAGE_SIZE, Resource, request_to
from ultravox_async.types.shared.paging import ListOptions
from ultravox_async.types.tools import NewTool, Tool, ToolFilters, ToolHistory

# Inside a resource, `list` is its method.
_Tools: TypeAlias = list[Tool]

_TOOLS: Final = "/api/tools"
_TOOL: Final = "/api/tools/{tool_id}"


class Tools(Resource):
    """The tools that the account can use: ``ultravox.tools``."""

    async def get(self, tool_id: str) -> Tool:
        """Fetch one tool.

        Args:
            tool_id: The id of the tool.

        Raises:
            InvalidRequestError: `tool_id` is not a valid id.
            NotFoundError: The tool does not exist.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("GET", _TOOL, Tool, tool_id=tool_id)

    def get_many(self, ids: Ids, *, concurrency: int = 50, via: Via = "auto") -> Sweep[Tool]:
        """Fetch many tools, concurrently; see `SipRegistrations.get_many`.

        Args:
            ids: The ids: an iterable or an asynchronous iterable.
            concurrency: The maximum number of requests in flight for this call, 1 or more.
            via: How they are fetched: ``"get"``, ``"list"`` or ``"auto"``.

        Raises:
            InvalidRequestError: `ids` is one string or not iterable, `concurrency` is below 1, or `via` is not one of
                the three.
        """
        listing = self.list(page_size=SWEEP_PAGE_SIZE)
        return self._sweep(ids, _TOOL, Tool, "tool_id", listing, concurrency, via)

    def list(self, **filters: Unpack[ToolFilters]) -> Pager[Tool]:
        """List the tools that the account can use.

        Iterate over the result with ``async for`` to get tools, or over its ``pages()`` to get `Page` objects.

        Args:
            **filters: The fields of `ToolFilters`: `ownership`, `search`, `sort_order`, `page_size` and `cursor`.

        Raises:
            TypeError: A filter does not exist.
            InvalidRequestError: A filter exceeds its limit.
        """
        return self._list(_TOOLS, Tool, ToolFilters, filters)

    async def create(self, **tool: Unpack[NewTool]) -> Tool:
        """Create a tool of the account.

        Args:
            **tool: The fields of `NewTool`: `name` and `definition`.

        Raises:
            TypeError: A field does not exist, or a required one is missing; nothing was sent.
            InvalidRequestError: A field exceeds its limit, or `definition` has not exactly one of `http`, `client` and
                `data_connection`; nothing was sent.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("POST", _TOOLS, Tool, NewTool, tool)

    async def import_openapi(self, file: UploadSource) -> _Tools:
        """Create tools of the account from an OpenAPI document.

        The file is sent as it is read. It is sent a second time only if the API has certainly done nothing with the
        first one (after a 429, or if there was no connection), and only if it can be read again.

        Args:
            file: The document, in JSON or YAML: bytes, the path of a file, or a file object that was opened in binary
                mode.

        Returns:
            The tools. The schema of the API promises one of them; a document that describes more operations may give
            more.

        Raises:
            InvalidRequestError: `file` is nothing that can be uploaded; nothing was sent.
            OSError: The file cannot be opened; nothing was sent.
            BadRequestError: It is not an OpenAPI document that the API understands.
            APIConnectionError: The connection was lost, or the file could not be read to its end.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        response = await self._send_form(_TOOLS, file)
        return response.decode(_Tools) if isinstance(response.json(), list) else [response.decode(Tool)]

    async def replace(self, tool_id: str, **tool: Unpack[NewTool]) -> Tool:
        """Replace a tool of the account; the API has no way to change a part of one.

        Args:
            tool_id: The id of the tool.
            **tool: The fields of `NewTool`: `name` and the whole `definition`.

        Raises:
            TypeError: A field does not exist, or a required one is missing; nothing was sent.
            InvalidRequestError: A field exceeds its limit; nothing was sent.
            NotFoundError: The tool does not exist.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("PUT", _TOOL, Tool, NewTool, tool, tool_id=tool_id)

    async def delete(self, tool_id: str) -> None:
        """Delete a tool of the account.

        Args:
            tool_id: The id of the tool.

        Raises:
            InvalidRequestError: `tool_id` is not a valid id.
            NotFoundError: The tool does not exist, or a first attempt whose response was lost deleted it.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        await self._delete(_TOOL, tool_id=tool_id)

    def history(self, tool_id: str, **options: Unpack[ListOptions]) -> Pager[ToolHistory]:
        """List the calls in which a tool was used.

        Args:
            tool_id: The id of the tool.
            **options: The fields of `ListOptions`: `page_size` and `cursor`.

        Raises:
            TypeError: An option does not exist.
            InvalidRequestError: `tool_id` is not a valid id, or `page_size` is below 1.
        """
        return self._list(f"{_TOOL}/history", ToolHistory, ListOptions, options, tool_id=tool_id)

    async def test(self, tool_id: str, parameters: Mapping[str, Any] | None = None) -> Response:
        """Execute a tool. This is not repeated when it is unknown whether the API carried it out.

        Args:
            tool_id: The id of the tool.
            parameters: The parameters for the tool, by their names: anything that can be encoded as JSON; None for
                none. Which of them are secret is guessed from their names, as `AsyncUltravox.request` does.

        Returns:
            What the tool has returned, in whatever form; ``response.json()`` if it is JSON.

        Raises:
            InvalidRequestError: `tool_id` is not a valid id, or `parameters` cannot be encoded.
            NotFoundError: The tool does not exist.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        secret = Secret(parameters or {})
        del parameters  # this frame is in the traceback of every error
        request = request_to("POST", f"{_TOOL}/test", tool_id=tool_id)
        request.body = json_body(secret)
        return await self._transport.send(request)
