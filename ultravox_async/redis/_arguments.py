"""Checks of the arguments that the public classes have in common."""

import re

from redis.asyncio import Redis

from ultravox_async import ConfigurationError

_NAME = re.compile(r"[\w.:-]+")


def check_client(redis: object, taker: str) -> None:
    """Refuse what is not a client of redis.asyncio: redis.Redis is easily taken for it.

    Raises:
        ConfigurationError: It is something else.
    """
    if not isinstance(redis, Redis):
        msg = f"{taker} takes redis.asyncio.Redis(...), not {type(redis).__module__}.{type(redis).__name__}"
        raise ConfigurationError(msg)


def check_name(name: str, taker: str) -> None:
    """Refuse a name that cannot be a part of the names of keys.

    Raises:
        ConfigurationError: It has other characters, or none.
    """
    if not _NAME.fullmatch(name):
        raise ConfigurationError(f"{taker}.name takes letters, digits and any of _.:-, not {name!r}")
