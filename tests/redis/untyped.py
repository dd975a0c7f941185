from typing import Any, cast

from redis.asyncio import Redis


def untyped(redis: Redis) -> Any:  # noqa: ANN401 - many methods of redis-py have no complete types
    return cast("Any", redis)
