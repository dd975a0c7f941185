"""What the API connects to during a call: data connections and callbacks."""

from typing import Annotated, Literal, TypeAlias

import attrs

from ultravox_async.types._markers import Sensitive
from ultravox_async.types._object import WireObject
from ultravox_async.types.shared.media import EnabledDataMessages

ChannelMode: TypeAlias = Literal["CHANNEL_MODE_UNSPECIFIED", "CHANNEL_MODE_MIXED", "CHANNEL_MODE_SEPARATED"] | str
"""Whether user and agent share one audio channel, or have one each. Open: the API may add values."""


@attrs.define
class DataConnectionAudioConfig(WireObject):
    """The audio of a data connection (schema ``ultravox.v1.DataConnectionAudioConfig``)."""

    sample_rate: int | None = None
    """The sample rate, in hertz; 16000 by default."""

    channel_mode: ChannelMode | None = None
    """Whether user and agent share one channel; they have one each by default."""


@attrs.define
class DataConnectionConfig(WireObject):
    """A WebSocket of yours to which a call sends its messages (schema ``ultravox.v1.DataConnectionConfig``)."""

    websocket_url: str | None = None
    """The URL of the WebSocket."""

    audio_config: DataConnectionAudioConfig | None = None
    """The audio that is sent as well; None for none."""

    data_messages: EnabledDataMessages | None = None
    """The messages that are sent; None for the API's default."""

    headers: Annotated[dict[str, str], Sensitive] | None = attrs.field(default=None, repr=False)
    """The headers of the request that opens the WebSocket, by their names."""


@attrs.define
class Callback(WireObject):
    """A URL to which the API sends an event of one call (schema ``ultravox.v1.Callback``)."""

    url: str | None = None
    """The URL."""

    secrets: Annotated[list[str], Sensitive] | None = attrs.field(default=None, repr=False)
    """The secrets that sign the requests: one signature for each of them."""


@attrs.define
class Callbacks(WireObject):
    """Where the API sends the events of one call (schema ``ultravox.v1.Callbacks``). None for nowhere."""

    joined: Callback | None = None
    """The call was joined."""

    ended: Callback | None = None
    """The call has ended."""

    billed: Callback | None = None
    """The call was billed."""
