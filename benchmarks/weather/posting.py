"""What a client process does when it creates registrations, and what it tells of it."""

import asyncio
import itertools
from collections import Counter

import attrs

from benchmarks.rounds import KEY
from benchmarks.server import ids
from benchmarks.weather.sweeping import kind_of
from ultravox_async import AsyncUltravox, UltravoxError


@attrs.frozen
class Post:
    """A registration that was to be created."""

    username: str
    """Tells it from all others."""

    idle: float
    """Seconds since the answer before; 0.0 where nothing was waited for."""

    error: str | None
    """What it failed with; None for success."""


@attrs.frozen
class Posts:
    """What came of a job."""

    posts: list[Post]
    get_errors: dict[str, int] = attrs.field(factory=dict[str, int])
    """What GETs failed with, and how many."""


@attrs.frozen
class RaceJob:
    """POSTs at the moment in which the server closes its idle connections."""

    base_url: str
    connections: int
    """How many POSTs there are at once."""

    timeout: float
    """Seconds after which the server closes an idle connection."""

    offsets: list[float]
    """Seconds before and after that moment; one round for each."""

    learnt: bool
    """Whether one client sees idle closes first and then makes all rounds; otherwise each round has a new client."""


@attrs.frozen
class IdleJob:
    """POSTs one after another, with a pause between them."""

    base_url: str
    idle: float
    """Seconds from an answer to the next request."""

    count: int
    timeout: float
    learnt: bool
    """Whether the client sees an idle close first."""


@attrs.frozen
class CrowdJob:
    """GETs and POSTs, all at once."""

    base_url: str
    gets: int
    posts: int
    swept: bool
    """Whether the GETs are a sweep; otherwise they are single calls."""


class _Poster:
    """Creates registrations with a client, and remembers what became of each."""

    def __init__(self, base_url: str) -> None:
        self.posts: list[Post] = []
        self._base_url = base_url
        self._numbers = itertools.count()

    def client(self) -> AsyncUltravox:
        """Return a new client."""
        return AsyncUltravox(KEY, base_url=self._base_url)

    async def post(self, ultravox: AsyncUltravox, idle: float = 0.0) -> None:
        """Create a registration."""
        username = f"user-{next(self._numbers)}"
        error = None
        try:
            await ultravox.sip.registrations.create(username=username, password="x", proxy="sip.example.com")  # noqa: S106 - nobody's
        except UltravoxError as failure:
            error = kind_of(failure)
        self.posts.append(Post(username, idle, error))

    async def twice(self, ultravox: AsyncUltravox, idle: float) -> None:
        """Create a registration, and another one so many seconds after the answer."""
        await self.post(ultravox)
        await asyncio.sleep(idle)
        await self.post(ultravox, idle)

    async def see_an_idle_close(self, ultravox: AsyncUltravox, connections: int, timeout: float) -> None:  # noqa: ASYNC109 - the server's
        """Use connections, and leave them alone until the server has closed them."""
        await asyncio.gather(*(self.post(ultravox) for _ in range(connections)))
        await asyncio.sleep(1.5 * timeout)


async def race(job: RaceJob) -> Posts:
    """Send POSTs around the moment in which idle connections are closed."""
    poster = _Poster(job.base_url)
    if job.learnt:
        async with poster.client() as ultravox:
            await poster.see_an_idle_close(ultravox, job.connections, job.timeout)
            for offset in job.offsets:
                await _round(poster, ultravox, job, offset)
    else:
        for offset in job.offsets:
            async with poster.client() as ultravox:
                await _round(poster, ultravox, job, offset)
    return Posts(poster.posts)


async def _round(poster: _Poster, ultravox: AsyncUltravox, job: RaceJob, offset: float) -> None:
    await asyncio.gather(*(poster.twice(ultravox, job.timeout + offset) for _ in range(job.connections)))


async def idle_between(job: IdleJob) -> Posts:
    """Send POSTs one after another."""
    poster = _Poster(job.base_url)
    async with poster.client() as ultravox:
        if job.learnt:
            await poster.see_an_idle_close(ultravox, 1, job.timeout)
        for number in range(job.count):
            await asyncio.sleep(job.idle if number else 0.0)
            await poster.post(ultravox, job.idle)
    return Posts(poster.posts)


async def crowd(job: CrowdJob) -> Posts:
    """Send all GETs and POSTs at once."""
    poster = _Poster(job.base_url)
    errors: Counter[str] = Counter()
    wanted = [*ids(job.gets)]

    async def get(registration_id: str) -> None:
        try:
            await ultravox.sip.registrations.get(registration_id)
        except UltravoxError as failure:
            errors[kind_of(failure)] += 1

    async def sweep() -> None:
        async for outcome in ultravox.sip.registrations.get_many(wanted, via="get"):
            if outcome.error is not None:
                errors[kind_of(outcome.error)] += 1

    async with poster.client() as ultravox:
        gets = [sweep()] if job.swept else [get(registration_id) for registration_id in wanted]
        await asyncio.gather(*gets, *(poster.post(ultravox) for _ in range(job.posts)))
    return Posts(poster.posts, dict(errors))
