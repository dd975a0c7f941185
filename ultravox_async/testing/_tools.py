"""The tools of the account."""

from functools import partial
from random import Random

import attrs

from ultravox_async.testing._collection import Collection, Entry
from ultravox_async.testing._pages import PageSizes
from ultravox_async.testing._routing import ApiRequest, Operations
from ultravox_async.testing._validation import json_object
from ultravox_async.testing._wire import Answer, json_answer
from ultravox_async.types.tools import NewTool, Tool


@attrs.define(eq=False, kw_only=True)
class Tools(Collection):
    """The tools of the account: private ones, which no call has used yet."""

    def operations(self) -> Operations:
        """The operations on tools."""
        return {
            "/api/tools": {"GET": self.list_page, "POST": partial(self.create, NewTool)},
            "/api/tools/{tool_id}": {
                "GET": self.get,
                "PUT": partial(self.replace, NewTool),
                "DELETE": self.delete,
            },
            "/api/tools/{tool_id}/history": {"GET": self.list_history},
            "/api/tools/{tool_id}/test": {"POST": self.test},
        }

    def list_history(self, request: ApiRequest) -> Answer:
        """List the calls that have used a tool: none."""
        self._requested(request)
        return json_answer(200, {"next": None, "previous": None, "results": [], "total": 0})

    def test(self, request: ApiRequest) -> Answer:
        """Execute a tool: it returns the parameters that it is given."""
        self._requested(request)
        return json_answer(200, json_object(request.body))

    def _on_write(self, entry: Entry) -> None:
        entry.shown["ownership"] = "private"


def new_tools(seed: int, page_sizes: PageSizes) -> Tools:
    """An account's tools: none yet."""
    random = Random(f"{seed} tools")  # noqa: S311 - has to be reproducible, is not for security
    return Tools(noun="tool", id_name="tool_id", shows=Tool, random=random, page_sizes=page_sizes)
