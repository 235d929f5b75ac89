"""A rate limit for many processes in Redis or Valkey."""

import asyncio
import math
import time
from contextlib import suppress
from typing import Any, Self
from uuid import uuid4
from weakref import WeakKeyDictionary

from nexport_campus._setting_values import check_positive

from .clients import DEFAULT_PREFIX, ClientOwner, Clients, GivenClient, UrlClients, limit_time

__all__ = ["RedisRateLimiter"]

# Times are in microseconds. Turns are an interval apart. A ticket in the queue is due when the tickets before it have
# had their turns. It gets the next turn `ahead` of that, so that turns don't wait for a process that polls a little later;
# if it polls too late even so, up to `late` is made up for. A ticket that hasn't polled for `alive` belongs to a process
# that has died. "poll" returns whether the ticket has got a turn, and the time until the turn or until it should poll again.
_SCRIPT = """
local queue, polled, next_turn, pause = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local command, ticket = ARGV[1], ARGV[2]
local interval, ahead, late, alive = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local paused = math.max(0, redis.call('PTTL', pause) * 1000)

local function exact(number) return string.format('%.0f', number) end

local function remove(tickets)
  for _, each in ipairs(tickets) do
    redis.call('ZREM', queue, each)
    redis.call('ZREM', polled, each)
  end
end

local function set_next_turn(turn)
  redis.call('SET', next_turn, exact(turn), 'PX', exact(math.ceil(interval / 500) + 1000))
end

if command == 'pause' then
  if tonumber(ticket) > paused then redis.call('SET', pause, 1, 'PX', exact(math.ceil(ticket / 1000))) end
  return {0, 0}
end
local turn = tonumber(redis.call('GET', next_turn) or 0)
turn = math.min(math.max(turn, now - late), now + ahead + interval)
if command == 'leave' then
  remove({ticket})
  return {0, 0}
elseif command == 'return' then
  set_next_turn(turn - interval)
  return {0, 0}
end

remove(redis.call('ZRANGEBYSCORE', polled, '-inf', exact(now - alive)))
redis.call('ZADD', queue, 'NX', exact(now), ticket)
redis.call('ZADD', polled, exact(now), ticket)
redis.call('PEXPIRE', queue, 60000)
redis.call('PEXPIRE', polled, 60000)
turn = math.max(turn, now + paused)
local early = turn + redis.call('ZRANK', queue, ticket) * interval - ahead - now
if early > 0 then return {0, math.ceil(early)} end
remove({ticket})
set_next_turn(turn + interval)
return {1, math.max(0, math.ceil(turn - now))}
"""
_AHEAD_SECONDS = 0.1
_LATE_SECONDS = 0.01
_ALIVE_SECONDS = 2.0
_SHORT_NAP, _LONGEST_NAP = 0.25, 0.75
_CONNECTIONS = 4
_USED_SHARE = 0.95
"""Of the limit: the rest makes up for requests that take longer to reach the campus than those after them."""


class RedisRateLimiter(ClientOwner):
    """A `RateLimiter` in Redis or Valkey: the limit holds for all processes that use the same prefix together.

    The campus receives at most `per_second` requests in any second; to make sure of that, turns are given at 95 % of it,
    in the order of arrival, by the server's clock. While the server can't be reached, each process keeps to `per_second`
    by itself.

    Args:
        client: A `redis.asyncio.Redis` or compatible client, which stays the caller's to close. It must belong to the
            running event loop and process; `from_url` takes care of that.
        per_second: Maximum number of requests per second.
        prefix: What all keys begin with. Limits for different campuses need different prefixes.

    Raises:
        ConfigurationError: The client isn't asynchronous, the rate isn't positive, or the prefix is empty.
    """

    def __init__(self, client: Any, *, per_second: float, prefix: str = DEFAULT_PREFIX) -> None:
        self._begin(GivenClient(client), per_second, prefix)

    @classmethod
    def from_url(cls, url: str, *, per_second: float, prefix: str = DEFAULT_PREFIX, **options: Any) -> Self:
        """Return a limiter with separate connections, for each event loop and process.

        Args:
            url: `redis://`, `rediss://` (TLS), `valkey://`, `valkeys://` or `unix://`, as for `redis.asyncio.from_url`.
            per_second: Maximum number of requests per second.
            prefix: What all keys begin with.
            options: Further arguments of `redis.asyncio.from_url`.

        Raises:
            ConfigurationError: The URL, the rate, the prefix or an option is invalid.
        """
        limiter = cls.__new__(cls)
        limiter._begin(UrlClients(url, options), per_second, prefix)
        return limiter

    def _begin(self, clients: Clients, per_second: float, prefix: str) -> None:
        super().__init__(clients, prefix)
        self.per_second = check_positive("per_second", per_second, "requests per second")
        self._paused_until = self._failed_at = float("-inf")
        self._naps: set[asyncio.Future[None]] = set()
        self._slots: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()

    async def acquire(self) -> None:
        """Wait for a turn. A cancelled caller's turn goes to the next one."""
        while not await self._acquire_unless_paused(uuid4().hex):
            pass

    async def pause(self, seconds: float) -> None:
        """Give no turns for some seconds, in any process."""
        if seconds > 0:
            self._paused_until = max(self._paused_until, time.monotonic() + seconds)
            await self._run("pause", str(math.ceil(seconds * 1e6)))

    async def _acquire_unless_paused(self, ticket: str) -> bool:
        """Wait for the turn of a ticket. Returns False, and gives the turn back, if it falls into a pause."""
        polling = None
        try:
            while True:
                polling = asyncio.create_task(self._run("poll", ticket))
                # Shielded: what the response says matters, even if the caller is cancelled.
                has_turn, wait = await asyncio.shield(polling)
                if has_turn:
                    await asyncio.sleep(wait)
                    if time.monotonic() >= self._paused_until:
                        return True
                    break
                await self._nap(wait)
        except asyncio.CancelledError:
            await self._give_up(ticket, polling)
            raise
        await self._run("return", ticket)
        return False

    async def _run(self, command: str, argument: str) -> tuple[bool, float]:
        # In one slot of a cluster.
        keys = [f"{self._prefix}{{rate}}:{name}" for name in ("queue", "polled", "next", "pause")]
        times = (1 / (self.per_second * _USED_SHARE), _AHEAD_SECONDS, _LATE_SECONDS, _ALIVE_SECONDS)
        arguments = [command, argument, *(round(seconds * 1e6) for seconds in times)]
        begun = time.monotonic()
        # Hundreds of waiting calls must not open hundreds of connections.
        async with self._slots.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(_CONNECTIONS)):
            script = self._clients.current().register_script(_SCRIPT)
            if self._failed_at > begun:
                raise ConnectionError("the commands before this one have failed")
            try:
                has_turn, wait = await limit_time(script(keys=keys, args=arguments))
            except Exception:
                self._failed_at = time.monotonic()
                raise
            return bool(int(has_turn)), int(wait) / 1e6

    async def _nap(self, wait: float) -> None:
        """Sleep for a part of the wait, which gets shorter when others give up."""
        nap = asyncio.get_running_loop().create_future()
        self._naps.add(nap)
        try:
            await asyncio.wait([nap], timeout=min(wait, max(_SHORT_NAP, wait / 4), _LONGEST_NAP))
        finally:
            self._naps.discard(nap)

    async def _give_up(self, ticket: str, polling: "asyncio.Task[tuple[bool, float]] | None") -> None:
        """Leave the queue, or give the turn back, and let the others of this loop poll again."""
        with suppress(Exception):  # without it, the ticket is dropped after some seconds
            has_turn = polling is not None and (await polling)[0]
            await self._run("return" if has_turn else "leave", ticket)
        for nap in list(self._naps):
            if nap.get_loop() is asyncio.get_running_loop() and not nap.done():
                nap.set_result(None)
