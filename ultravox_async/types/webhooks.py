"""What goes over the wire for webhooks: where the API tells of the life of calls."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, NotRequired, TypeAlias, TypedDict

import attrs
from annotated_types import MaxLen, MinLen

from ultravox_async.types._markers import HTTP_URL, UUID, InQuery, Sensitive
from ultravox_async.types._object import WireObject
from ultravox_async.types.shared.paging import ListOptions

WebhookEvent: TypeAlias = Literal["call.started", "call.joined", "call.ended", "call.billed"] | str
"""What a webhook is told of. Open: the API may add values."""

WebhookStatus: TypeAlias = Literal["normal", "unhealthy"] | str
"""Whether deliveries succeed. Open: the API may add values."""

_Url: TypeAlias = Annotated[str, HTTP_URL, MaxLen(200)]
_Secrets: TypeAlias = Annotated[Sequence[Annotated[str, MaxLen(120)]], MinLen(1), MaxLen(10), Sensitive]


@attrs.define
class WebhookFailure(WireObject):
    """A delivery that failed (schema ``WebhookFailure``)."""

    timestamp: datetime | None = None
    """When it failed."""

    failure: str | None = None
    """What went wrong."""


@attrs.define
class Webhook(WireObject):
    """A webhook, as ``GET /api/webhooks/{webhook_id}`` returns it (schema ``Webhook``)."""

    webhook_id: str
    """The id that the API assigned."""

    created: datetime
    """When it was created, with a time zone."""

    url: str
    """The URL to which events are sent."""

    events: list[WebhookEvent] = attrs.field(factory=list[WebhookEvent])
    """The events that are sent."""

    secrets: Annotated[list[str], Sensitive] | None = attrs.field(default=None, repr=False)
    """The secrets that sign the deliveries: one signature for each of them."""

    agent_id: str | None = None
    """The agent whose calls it is told of; None for all calls of the account."""

    status: WebhookStatus | None = None
    """Whether deliveries succeed."""

    last_status_change: datetime | None = None
    """When `status` last changed; None if it never did."""

    recent_failures: list[WebhookFailure] = attrs.field(factory=list[WebhookFailure])
    """The last deliveries that failed."""


class NewWebhook(TypedDict):
    """What `create` and `replace` of a webhook take."""

    url: _Url
    """The URL to which events are sent."""

    events: Sequence[WebhookEvent]
    """The events to send."""

    secrets: NotRequired[_Secrets]
    """The secrets that sign the deliveries; the API generates one if this is omitted."""

    agent_id: NotRequired[Annotated[str, UUID] | None]
    """The agent whose calls it is told of; None for all calls of the account."""


class WebhookChanges(TypedDict, total=False):
    """What `update` of a webhook takes: omitted fields keep their value, None clears."""

    url: _Url
    """The URL to which events are sent."""

    events: Sequence[WebhookEvent]
    """The events to send."""

    secrets: _Secrets
    """The secrets that sign the deliveries."""

    agent_id: Annotated[str, UUID] | None
    """The agent whose calls it is told of; None for all calls of the account."""


class WebhookFilters(ListOptions, total=False):
    """What `list` of webhooks takes."""

    agent_id: Annotated[str, UUID, InQuery] | None
    """Only webhooks of this agent."""
