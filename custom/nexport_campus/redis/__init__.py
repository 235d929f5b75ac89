"""Sharing a token and a rate limit among processes through Redis or Valkey.

    store = RedisTokenStore.from_url("redis://cache.internal")
    limiter = RedisRateLimiter.from_url("redis://cache.internal", per_second=20)
    campus = NexportCampus(auth, token_store=store, rate_limit=limiter)

It needs the `redis` extra. `docs/many-processes.md` shows how it is used with uvicorn, gunicorn, Celery, RQ and
Kubernetes.
"""

from nexport_campus._version import describe_missing_extra

try:
    import cryptography as _cryptography  # noqa: F401 -- part of the extra, for token_encryption_keys
    import redis.asyncio as _redis  # noqa: F401
except ImportError as _error:
    raise ModuleNotFoundError(describe_missing_extra(__name__, "redis"), name=_error.name) from _error

from .rate_limiter import RedisRateLimiter
from .token_store import RedisTokenStore

__all__ = ["RedisRateLimiter", "RedisTokenStore"]

for _public in (RedisRateLimiter, RedisTokenStore):
    _public.__module__ = __name__
