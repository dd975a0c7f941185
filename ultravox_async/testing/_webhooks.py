"""What webhooks do beyond being stored."""

import attrs

from ultravox_async.testing._collection import Collection
from ultravox_async.testing._entry import Entry


@attrs.define(eq=False, kw_only=True)
class Webhooks(Collection):
    """The webhooks of the account: the server generates a secret where none is sent."""

    def _on_write(self, entry: Entry) -> None:
        if entry.shown["secrets"] is None:
            entry.shown["secrets"] = [f"{self.random.getrandbits(160):040x}"]
        entry.shown["status"] = "normal"
        entry.shown["recentFailures"] = []
