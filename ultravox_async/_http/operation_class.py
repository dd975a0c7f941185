"""Which operations share their limits."""

import enum


class OperationClass(enum.StrEnum):
    """Operations that share their limits: a 429 or an outage of one class says nothing about the others."""

    GENERAL = "api"
    """Whatever has no limits of its own."""

    CREATE_CALL = "calls"
    """Creating calls, for which the API has capacity limits."""
