"""What API keys do beyond being stored. The emulator accepts its own key only, whatever keys there are."""

import attrs

from ultravox_async.testing._collection import Collection
from ultravox_async.testing._entry import Entry
from ultravox_async.testing._routing import ApiRequest
from ultravox_async.testing._validation import check_fields, json_object
from ultravox_async.testing._wire import Answer, Json, json_answer


@attrs.define(eq=False, kw_only=True)
class ApiKeys(Collection):
    """The API keys of the user, known by their prefixes."""

    def create(self, shape: type, request: ApiRequest) -> Answer:
        """Create a key; only this answer shows it."""
        entry = self.add(check_fields(shape, json_object(request.body)))
        entry.shown |= {"creator": "user@example.com", "revoked": False}
        secret = f"{entry.shown['prefix']}.{self.random.getrandbits(160):040x}"
        return json_answer(201, {**entry.shown, "secret": secret})

    def new_id(self) -> str:
        """Generate a prefix."""
        return f"{self.random.getrandbits(32):08X}"

    def _change(self, entry: Entry, sent: dict[str, Json]) -> Answer:
        # What was revoked stays revoked.
        return super()._change(entry, {} if entry.shown["revoked"] else sent)
