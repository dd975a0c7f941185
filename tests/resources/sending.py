"""What tests of resources look at."""

import json

from ultravox_async.testing import Emulator


def last_request(emulator: Emulator) -> tuple[str, str]:
    """Return the method and the path of the last request."""
    request = emulator.requests[-1]
    return request.method, request.path


def last_query(emulator: Emulator) -> list[tuple[str, str]]:
    return list(emulator.requests[-1].query.items())


def last_body(emulator: Emulator) -> object:
    return json.loads(emulator.requests[-1].body)
