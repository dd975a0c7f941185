"""What the emulator received."""

import json

from ultravox_async.testing import Emulator


def last_request(emulator: Emulator) -> tuple[str, str, list[tuple[str, str]], object]:
    """Return the method, the path, the query and the body of the last request."""
    request = emulator.requests[-1]
    body = json.loads(request.body) if request.body else None
    return request.method, request.path, list(request.query.items()), body
