"""The names that the reference has to describe."""

from collections.abc import Mapping, Sequence
from functools import cache

import ultravox_async
from tests.contract.operations import FORMS, OPERATIONS
from ultravox_async import annotations, redis, testing, types, webhooks

TYPES: Sequence[str] = vars(types)["__all__"]
"""The names in `ultravox_async.types`; its stub, which type checkers read, does not have the list."""

PUBLIC_NAMES: Mapping[str, Sequence[str]] = {
    # What is in `ultravox_async.types` too is described there, with all other types.
    "ultravox_async": [name for name in ultravox_async.__all__ if name not in TYPES and name[0] != "_"],
    "ultravox_async.types": TYPES,
    "ultravox_async.annotations": annotations.__all__,
    "ultravox_async.testing": testing.__all__,
    "ultravox_async.testing.aioresponses": ["aioresponses"],
    "ultravox_async.webhooks": webhooks.__all__,
    "ultravox_async.webhooks.aiohttp": ["SipFallbackHandler"],
    "ultravox_async.redis": redis.__all__,
    "ultravox_async.otel": ["OpenTelemetryObserver"],
}
"""By the module from which they are imported."""


@cache
def operations_of_methods() -> Mapping[str, str]:
    """Return the operation of each method, for example ``GET /api/calls`` for ``calls.list``.

    The table is that of the contract tests, which compare it with the schema and with what each method sends.
    """
    found = {method: operation for operation, method in OPERATIONS.items() if isinstance(method, str)}
    return found | {method: operation for operation, method in FORMS.items()}


def operation_names() -> set[str]:
    """Return the names under which the methods of all operations are described."""
    return {f"ultravox.{method}" for method in operations_of_methods()}
