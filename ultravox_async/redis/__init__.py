"""What several processes share through Redis or Valkey; needs the extra ``redis``."""

from ultravox_async.redis._budget import RedisRateBudget

__all__ = ["RedisRateBudget"]
