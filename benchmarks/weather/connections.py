"""POSTs on connections that a gateway is just closing, and a gateway with a queue."""

import functools
from collections import Counter
from collections.abc import Mapping, Sequence

import attrs

from benchmarks.rounds import Effort
from benchmarks.weather.posting import CrowdJob, IdleJob, Post, Posts, RaceJob
from benchmarks.weather.processes import Log, run_clients, serving
from benchmarks.weather.proxies import haproxy, nginx
from benchmarks.weather.scenario import Measured, Scenario, percent

_NGINX_TIMEOUT = 1.0
_HAPROXY_TIMEOUT = 0.1
_CONNECTIONS = 10
_IDLES = (0.1, 0.4, 0.9)
_AT_ONCE = ("--delay", "0", "0")


def _offsets(effort: Effort, rounds: int) -> list[float]:
    steps = effort.of(41, 2)
    return [(step - steps // 2) / 2000 for _ in range(effort.of(rounds, 1)) for step in range(steps)]


async def _nginx_race(effort: Effort, header: str) -> Measured:
    async with (
        serving(*_AT_ONCE) as server,
        nginx(server.port, f"keepalive_timeout {_NGINX_TIMEOUT:.0f}s{header}") as gateway,
    ):
        told = await _raced([gateway.base_url("c0"), gateway.base_url("c1")], _NGINX_TIMEOUT, _offsets(effort, 1))
        return _races(told, await server.stop())


async def _haproxy_race(effort: Effort) -> Measured:
    directive = f"timeout http-keep-alive {_HAPROXY_TIMEOUT * 1e3:.0f}ms"
    async with serving(*_AT_ONCE) as server, haproxy(server.port, directive) as gateway:
        told = await _raced([gateway.base_url("c0"), gateway.base_url("c1")], _HAPROXY_TIMEOUT, _offsets(effort, 3))
        return _races(told, await server.stop())


async def _raced(urls: Sequence[str], closes_after: float, offsets: list[float]) -> list[Posts]:
    jobs = [
        RaceJob(url, _CONNECTIONS, closes_after, offsets, learnt)
        for url, learnt in zip(urls, (False, True), strict=True)
    ]
    return await run_clients(jobs, Posts)


def _races(told: Sequence[Posts], log: Log) -> Measured:
    before, after = (_race_of(result.posts, _executed(log, f"c{number}")) for number, result in enumerate(told))
    return Measured(
        f"before the first idle close was seen {before.text()}; after it {after.text()}",
        {"before": attrs.asdict(before), "after": attrs.asdict(after)},
    )


@attrs.frozen
class _Race:
    posts: int
    failed: int
    errors: dict[str, int]
    failed_and_executed: int
    doubled: int
    failed_share_by_idle_ms: dict[str, float]

    def text(self) -> str:
        """Return it for the table."""
        worst = max(self.failed_share_by_idle_ms.values())
        return (
            f"{self.failed} of {self.posts} fail ({percent(self.failed / self.posts)}, at the worst idle time "
            f"{percent(worst)}), {self.failed_and_executed} of those were executed, {self.doubled} POSTs twice"
        )


def _race_of(posts: Sequence[Post], executed: Mapping[str, int]) -> _Race:
    racing = [post for post in posts if post.idle]
    failed = [post for post in racing if post.error is not None]
    failures: dict[float, list[bool]] = {post.idle: [] for post in sorted(racing, key=lambda post: post.idle)}
    for post in racing:
        failures[post.idle].append(post.error is not None)
    return _Race(
        posts=len(racing),
        failed=len(failed),
        errors=Counter(post.error for post in failed if post.error is not None),
        failed_and_executed=sum(executed.get(post.username, 0) > 0 for post in failed),
        doubled=sum(count > 1 for count in executed.values()),
        failed_share_by_idle_ms={f"{idle * 1e3:.1f}": sum(of) / len(of) for idle, of in failures.items()},
    )


def _executed(log: Log, client: str) -> Counter[str]:
    """Return how often each registration of a client was created."""
    return Counter(event.username for event in log.requests if event.client == client and event.username)


async def _cost(effort: Effort) -> Measured:
    count = effort.of(20, 2)
    rows = [(idle, learnt) for learnt in (False, True) for idle in _IDLES]
    async with serving(*_AT_ONCE) as server, nginx(server.port, "keepalive_timeout 1s") as gateway:
        jobs = [
            IdleJob(gateway.base_url(f"c{number}"), idle, count, _NGINX_TIMEOUT, learnt)
            for number, (idle, learnt) in enumerate(rows)
        ]
        await run_clients(jobs, Posts)
        made = [gateway.connections(f"c{number}", count) / count for number in range(len(rows))]
    figures = {
        name: {f"{idle} s": share for (idle, of), share in zip(rows, made, strict=True) if of is learnt}
        for name, learnt in (("before", False), ("after", True))
    }
    texts = [
        f"{name} the first idle close was seen " + ", ".join(f"{share:.2f} after {idle}" for idle, share in of.items())
        for name, of in figures.items()
    ]
    return Measured("connections a POST: " + "; ".join(texts), figures)


async def _queue(effort: Effort, *, swept: bool) -> Measured:
    gets, posts = effort.of(400, 20), effort.of(100, 5)
    async with serving() as server, haproxy(server.port, "timeout queue 200ms", server="maxconn 2") as gateway:
        [told] = await run_clients([CrowdJob(gateway.base_url(), gets, posts, swept)], Posts)
        requests = gateway.requests()
        executed = _executed(await server.stop(), "c0")
    errors = Counter(post.error for post in told.posts if post.error is not None)
    ran = sum(executed[post.username] > 0 for post in told.posts if post.error is not None)
    doubled = sum(count > 1 for count in executed.values())
    sent = Counter(event.method for event in requests)
    return Measured(
        f"{sum(told.get_errors.values())} of {gets} GETs fail {told.get_errors or ''} in {sent['GET']} requests, "
        f"{errors.total()} of {posts} POSTs {dict(errors) or ''} in {sent['POST']}; {ran} of those were executed, "
        f"{doubled} POSTs twice",
        {
            "gets": gets,
            "get_errors": told.get_errors,
            "get_requests": sent["GET"],
            "posts": posts,
            "post_errors": errors,
            "post_requests": sent["POST"],
            "failed_and_executed": ran,
            "doubled": doubled,
        },
    )


_RACE_TARGET = "none fails after the first idle close was seen"
_QUEUE_TARGET = "no GET fails; POSTs told clearly, none executed twice"

SCENARIOS: Mapping[str, Scenario] = {
    "idle-close/nginx": Scenario(
        "POSTs 10 ms before to 10 ms after nginx closes idle connections, after 1 s",
        _RACE_TARGET,
        functools.partial(_nginx_race, header=""),
    ),
    "idle-close/nginx-advertised": Scenario(
        "the same, and nginx sends Keep-Alive: timeout=1",
        _RACE_TARGET,
        functools.partial(_nginx_race, header=" 1s"),
    ),
    "idle-close/haproxy": Scenario(
        "POSTs 10 ms before to 10 ms after HAProxy closes idle connections, after 100 ms", _RACE_TARGET, _haproxy_race
    ),
    "idle-close/cost": Scenario(
        "POSTs one after another through nginx, which closes idle connections after 1 s", "cost measured", _cost
    ),
    "queue/single": Scenario(
        "400 get() and 100 POSTs at once through HAProxy: maxconn 2, 200 ms queue",
        _QUEUE_TARGET,
        functools.partial(_queue, swept=False),
    ),
    "queue/sweep": Scenario(
        "a sweep of 400 ids and 100 POSTs at once through HAProxy: maxconn 2, 200 ms queue",
        _QUEUE_TARGET,
        functools.partial(_queue, swept=True),
    ),
}
