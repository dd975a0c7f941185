"""A resource of which an account has exactly one, such as its SIP configuration."""

import attrs

from ultravox_async.testing._routing import ApiRequest
from ultravox_async.testing._validation import check_fields, json_object
from ultravox_async.testing._wire import Answer, Json, json_answer


@attrs.define(eq=False)
class Document:
    """One JSON object that can be read and changed."""

    fields: dict[str, Json]
    """Its fields, with the names of the wire, in the order in which answers show them."""

    def get(self, _request: ApiRequest) -> Answer:
        """Show it."""
        return json_answer(200, self.fields)

    def update(self, shape: type, request: ApiRequest) -> Answer:
        """Set those fields of `shape` that the request has; all other fields are read-only."""
        self.fields.update(self._read_changes(shape, request))
        return json_answer(200, self.fields)

    def _read_changes(self, shape: type, request: ApiRequest) -> dict[str, Json]:
        """Give what to set; a document that fills in what a request leaves out overrides this."""
        return check_fields(shape, json_object(request.body))
