"""The models that can be chosen for a call."""

import attrs

from ultravox_async.types._object import WireObject


@attrs.define
class ModelAlias(WireObject):
    """A model, as ``GET /api/models`` lists it (schema ``ModelAlias``)."""

    name: str
    """The name to give as the ``model`` of a call."""
