"""API keys."""

from datetime import datetime
from typing import Annotated, NotRequired, TypedDict

import attrs
from annotated_types import MaxLen

from ultravox_async.types._markers import Sensitive
from ultravox_async.types._object import WireObject


@attrs.define
class ApiKey(WireObject):
    """An API key without its secret, as ``GET /api/api_keys/{api_key_prefix}`` returns it (schema ``APIKey``)."""

    prefix: str
    """The beginning of the key, by which it is known; the argument of `get`, `update` and `delete`."""

    created: datetime
    """When it was created, with a time zone."""

    name: str
    """Its name; several keys may have the same."""

    creator: str | None = None
    """Who created it."""

    expiry_date: datetime | None = None
    """When it expires; None for never."""

    revoked: bool | None = None
    """Whether it has been revoked, and can no longer be used."""


@attrs.define
class CreatedApiKey(WireObject):
    """A new API key, as ``POST /api/api_keys`` returns it (schema ``APIKeyCreate``)."""

    prefix: str
    """The beginning of the key, by which it is known; the argument of `get`, `update` and `delete`."""

    created: datetime
    """When it was created, with a time zone."""

    name: str
    """Its name; several keys may have the same."""

    secret: Annotated[str, Sensitive] | None = attrs.field(default=None, repr=False)
    """The key itself. No later response contains it."""

    creator: str | None = None
    """Who created it."""

    expiry_date: datetime | None = None
    """When it expires; None for never."""

    revoked: bool | None = None
    """Whether it has been revoked, and can no longer be used."""


class NewApiKey(TypedDict):
    """What `create` of an API key takes."""

    name: Annotated[str, MaxLen(50)]
    """Its name; several keys may have the same."""

    expiry_date: NotRequired[datetime | None]
    """When it expires, with a time zone; None for never."""


class ApiKeyReplacement(TypedDict):
    """What `replace` of an API key takes."""

    revoked: bool
    """Whether it is revoked. A key that has been revoked stays revoked."""


class ApiKeyChanges(TypedDict, total=False):
    """What `update` of an API key takes."""

    revoked: bool
    """Whether it is revoked. A key that has been revoked stays revoked."""
