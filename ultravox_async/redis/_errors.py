"""`RedisUnavailableError`: what is raised while Redis is gone."""

from ultravox_async import UltravoxError


class RedisUnavailableError(UltravoxError):
    """Redis does not answer. Nothing was sent, and no event was claimed.

    A `RedisRateBudget` raises it with ``on_outage="raise"`` only, and a `RedisReplayGuard` from `claim`. Its
    ``__cause__`` is what the client of Redis raised.
    """


def lost_error(text: str, cause: Exception) -> RedisUnavailableError:
    """Return the error for what the client of Redis raised."""
    # The text of the cause is not repeated, and the frames of its traceback are dropped: they may contain the password.
    error = RedisUnavailableError(f"{text} ({type(cause).__name__})")
    error.__cause__ = cause.with_traceback(None)
    return error
