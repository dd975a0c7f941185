"""What API keys do beyond being stored: the emulator accepts them."""

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
        entry.hidden["secret"] = secret
        return json_answer(201, {**entry.shown, "secret": secret})

    def accepts(self, key: str) -> bool:
        """Whether a request may have this key: it was created, and neither revoked nor deleted since.

        The time of the emulator does not pass, so that no key expires.
        """
        entry = self._by_id.get(key.partition(".")[0])
        return entry is not None and entry.hidden["secret"] == key and not entry.shown["revoked"]

    def new_id(self) -> str:
        """Generate a prefix."""
        return f"{self.random.getrandbits(32):08X}"

    def _change(self, entry: Entry, sent: dict[str, Json]) -> Answer:
        # What was revoked stays revoked.
        return super()._change(entry, {} if entry.shown["revoked"] else sent)
