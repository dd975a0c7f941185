"""What several processes share through Redis or Valkey; needs the extra ``redis``."""

try:
    from ultravox_async.redis._budget import RedisRateBudget
    from ultravox_async.redis._errors import RedisUnavailableError
    from ultravox_async.redis._replay_guard import RedisReplayGuard
except ModuleNotFoundError as error:
    message = "ultravox_async.redis needs redis-py: pip install 'ultravox-async[redis]'"
    raise ImportError(message) from error

__all__ = ["RedisRateBudget", "RedisReplayGuard", "RedisUnavailableError"]
