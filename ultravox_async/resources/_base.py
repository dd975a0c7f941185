"""What every resource has."""

from ultravox_async._http.transport import Transport


class Resource:
    """A group of operations; it holds the transport, nothing more."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def __repr__(self) -> str:
        offered = ", ".join(name for name in dir(self) if not name.startswith("_"))
        return f"<{type(self).__name__} at {self._transport.origin}: {offered}>"
