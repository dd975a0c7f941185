"""One object of a collection."""

from collections.abc import Mapping

import attrs

from ultravox_async.testing._wire import Json


@attrs.define(eq=False)
class Entry:
    """One object of a collection; its fields have the names of the wire."""

    position: int
    """How many objects were created in the collection before this one."""

    shown: dict[str, Json]
    """The fields that answers show, in their order."""

    hidden: dict[str, Json]
    """The fields that no answer shows, such as a password."""

    def get(self, name: str) -> Json:
        """The value of a field, shown or not; None if the object does not have it."""
        return self.shown.get(name, self.hidden.get(name))

    def set_fields(self, fields: Mapping[str, Json]) -> None:
        """Set these fields; those that answers do not show become hidden ones."""
        for name, value in fields.items():
            if name in self.shown:
                self.shown[name] = value
            else:
                self.hidden[name] = value
