"""`RedisUnavailableError`: what is raised while Redis is gone."""

from ultravox_async import UltravoxError


class RedisUnavailableError(UltravoxError):
    """Redis does not answer. Nothing was sent, and no event was claimed.

    A `RedisRateBudget` raises it with ``on_outage="raise"`` only, and a `RedisReplayGuard` from `claim`. Its text names
    the class of what the client of Redis raised; that exception is not attached, because it may show the password.
    """


def lost_error(text: str, cause: Exception) -> RedisUnavailableError:
    """Return the error for what the client of Redis raised."""
    # Only the name of the cause. Its text, and the frames of the exceptions behind it, may contain the password.
    return RedisUnavailableError(f"{text} ({type(cause).__name__})")
