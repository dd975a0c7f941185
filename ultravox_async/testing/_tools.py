"""What tools do beyond being stored."""

import attrs

from ultravox_async.testing._collection import Collection, Entry
from ultravox_async.testing._routing import ApiRequest
from ultravox_async.testing._validation import json_object
from ultravox_async.testing._wire import Answer, json_answer


@attrs.define(eq=False, kw_only=True)
class Tools(Collection):
    """The tools of the account: private ones, which no call has used yet."""

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
