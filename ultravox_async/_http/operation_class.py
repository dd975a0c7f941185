"""The classes of operations that have separate limits."""

import enum


class OperationClass(enum.StrEnum):
    """Operations that share their limits. A 429 or an outage in one class says nothing about the other."""

    GENERAL = "api"
    """All operations without separate limits."""

    CREATE_CALL = "calls"
    """Creating calls, for which the API has capacity limits."""
