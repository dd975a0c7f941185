"""What several processes share through Redis or Valkey; needs the extra ``redis``."""

from ultravox_async.redis._budget import RedisRateBudget
from ultravox_async.redis._replay_guard import RedisReplayGuard

__all__ = ["RedisRateBudget", "RedisReplayGuard"]
