"""What every resource has."""

from ultravox_async._transport import Transport


class Resource:
    """A group of operations; it holds the transport, nothing more."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
