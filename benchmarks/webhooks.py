"""The CPU time to verify and decode an event, and a replay guard under many deliveries at once."""

import asyncio
import gc
import hmac
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

import attrs
import orjson

from benchmarks.rounds import Effort, Row, compared, interleaved, spread_of
from ultravox_async.testing import webhook_headers
from ultravox_async.webhooks import Claim, MemoryReplayGuard, claimed, unwrap

_SECRET = "a-secret-of-a-webhook"  # noqa: S105 - made up
_DELIVERIES = 1000


@attrs.frozen
class _Delivery:
    body: bytes
    headers: dict[str, str]

    def by_hand(self) -> object:
        """Verify and parse it as people write it without an SDK."""
        timestamp = self.headers["X-Ultravox-Webhook-Timestamp"]
        expected = hmac.digest(_SECRET.encode(), self.body + timestamp.encode(), "sha256").hex()
        if not hmac.compare_digest(expected, self.headers["X-Ultravox-Webhook-Signature"]):
            raise ValueError
        if abs((datetime.now(UTC) - datetime.fromisoformat(timestamp)).total_seconds()) > 300:  # noqa: PLR2004 - five minutes
            raise ValueError
        return orjson.loads(self.body)

    def by_us(self) -> object:
        """Verify and decode it."""
        return unwrap(self.body, self.headers, _SECRET)


def _delivery(size: int) -> _Delivery:
    # Short texts under many keys: one long text would be parsed in no time.
    metadata = {f"key-{number:06}": "x" * 86 for number in range(size // 100)}
    call = {"callId": "1", "created": "2026-07-02T10:00:00Z", "summary": "An event.", "metadata": metadata}
    body = orjson.dumps({"event": "call.ended", "call": call})
    return _Delivery(body, webhook_headers(body, [_SECRET]))


async def against_hand(effort: Effort) -> list[Row]:
    """Compare with the same by hand, which ends with a dict and not with a `Call`."""
    rows = [await _verification(effort, size) for size in (1_000, 1_000_000)]
    return [*rows, await _duplicates(effort)]


async def _verification(effort: Effort, size: int) -> Row:
    delivery, repeats = _delivery(size), effort.of(20_000_000 // size, 1)
    sides = {
        "ours": lambda: _microseconds(delivery.by_us, repeats),
        "hand": lambda: _microseconds(delivery.by_hand, repeats),
    }
    times = await interleaved(sides, effort.rounds)
    what = f"verify and decode an event of {len(delivery.body):,} bytes"
    return compared(what, "hmac and orjson by hand", "none, for scale", times["ours"], times["hand"])


async def _microseconds(work: Callable[[], object], repeats: int) -> float:
    gc.collect()
    started = time.process_time()
    for _ in range(repeats):
        work()
    return (time.process_time() - started) / repeats * 1e6


async def _duplicates(effort: Effort) -> Row:
    took: list[float] = []
    claims: Counter[Claim] = Counter()
    for _ in range(effort.rounds):
        guard = MemoryReplayGuard()
        started = time.perf_counter()
        claims.update(await asyncio.gather(*(_deliver(guard) for _ in range(_DELIVERIES))))
        took.append((time.perf_counter() - started) * 1e3)
    return Row(
        f"{_DELIVERIES:,} deliveries of one event at once",
        "none",
        f"{claims[Claim.GRANTED] / effort.rounds:g} handled in a round",
        spread_of(took),
        "1",
        "the spread is that of the whole round, in ms",
    )


async def _deliver(guard: MemoryReplayGuard) -> Claim:
    async with claimed(guard, "call.ended:1") as claim:
        if claim is Claim.GRANTED:
            await asyncio.sleep(0)
        return claim
