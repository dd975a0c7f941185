"""The tools of the account."""

from functools import partial
from random import Random
from typing import cast

import attrs

from ultravox_async.testing._collection import Collection, CollectionSettings
from ultravox_async.testing._entry import Entry
from ultravox_async.testing._filters import Filters, found_in, is_in
from ultravox_async.testing._forms import is_multipart, read_multipart
from ultravox_async.testing._openapi import tools_in
from ultravox_async.testing._routing import ApiRequest, Operations
from ultravox_async.testing._validation import Invalid, check_fields, json_object
from ultravox_async.testing._wire import Answer, Json, json_answer
from ultravox_async.types.tools import NewTool, Tool, ToolFilters

# Every account has these. Their ids are documented nowhere, so that they can only be selected by their names.
_BUILT_IN = {"coldTransfer", "hangUp", "leaveVoicemail", "playDtmfSounds", "queryCorpus", "warmTransfer"}


@attrs.define(eq=False, kw_only=True)
class Tools(Collection):
    """The tools of the account: private ones, which no call has used yet."""

    def operations(self) -> Operations:
        """The operations on tools."""
        return {
            "/api/tools": {"GET": self.list_page, "POST": self.create_or_import},
            "/api/tools/{tool_id}": {
                "GET": self.get,
                "PUT": partial(self.replace, NewTool),
                "DELETE": self.delete,
            },
            "/api/tools/{tool_id}/history": {"GET": self.list_history},
            "/api/tools/{tool_id}/test": {"POST": self.test},
        }

    def create_or_import(self, request: ApiRequest) -> Answer:
        """Create a tool, or one for each operation of an OpenAPI document: then a list unless there is only one."""
        if not is_multipart(request):
            return self.create(NewTool, request)
        form = read_multipart(request)
        if errors := form.errors_of_file("file"):
            raise Invalid(errors)
        tools = [check_fields(NewTool, tool) for tool in tools_in(form.files["file"].content)]
        shown: list[Json] = [self.add_written(tool).shown for tool in tools]
        return json_answer(201, shown if len(shown) > 1 else shown[0])

    def list_history(self, request: ApiRequest) -> Answer:
        """List the calls that have used a tool: none."""
        self._requested(request)
        return json_answer(200, {"next": None, "previous": None, "results": [], "total": 0})

    def test(self, request: ApiRequest) -> Answer:
        """Execute a tool: it returns the parameters that it is given."""
        self._requested(request)
        return json_answer(200, json_object(request.body))

    def check_selected(self, fields: dict[str, Json], *path: str) -> None:
        """Check that the tools exist which are selected at a path in the fields of a request.

        Raises:
            Invalid: one of them does not, or its name is that of several tools.
        """
        selected: Json = fields
        for name in path:
            selected = selected.get(name) if isinstance(selected, dict) else None
        tools = cast("list[dict[str, Json]]", selected or [])
        errors: dict[str, Json] = {
            str(index): error for index, tool in enumerate(tools) if (error := self._error_of(tool))
        }
        if errors:
            for name in reversed(path):
                errors = {name: errors}
            raise Invalid(errors)

    def _error_of(self, tool: dict[str, Json]) -> dict[str, Json]:
        tool_id, name = tool.get("toolId"), tool.get("toolName")
        if tool_id is not None and str(tool_id).lower() not in self._by_id:
            return {"toolId": [f'Invalid pk "{tool_id}" - object does not exist.']}
        number = sum(entry.shown["name"] == name for entry in self.entries)
        if number > 1:
            return {"toolName": ["Several tools have this name."]}
        if name is not None and number == 0 and name not in _BUILT_IN:
            return {"toolName": [f"Object with name={name} does not exist."]}
        return {}

    def _on_write(self, entry: Entry) -> None:
        entry.shown["ownership"] = "private"


def new_tools(seed: int, settings: CollectionSettings) -> Tools:
    """An account's tools: none yet."""
    random = Random(f"{seed} tools")  # noqa: S311 - has to be reproducible, is not for security
    filters = Filters(ToolFilters, {"ownership": is_in("ownership"), "search": found_in("name", "definition")})
    return Tools(noun="tool", id_name="tool_id", shows=Tool, random=random, settings=settings, filters=filters)
