"""A server with weather: limits, outages, slow listings, a key that is revoked.

    python -m benchmarks.weather.server --limit sliding:50 --away refused --away-after 3 --away-for 10

It prints its port and serves until its standard input ends. Then it prints what it saw as JSON: a list of
``[seconds, client, method, status, username]`` for each request, on the clock of `time.monotonic`, and the outage's
beginning and end. A client is the first segment of the path, as in ``/c1/api/sip/registrations``; all clients have one
key. Status 0 is a request that gets no answer.
"""

import argparse
import asyncio
import gc
import json
import math
import random
import sys
from collections.abc import Sequence
from urllib.parse import parse_qs

import attrs

from benchmarks import server as pages
from benchmarks.limits import Limit, limit_from

_REASONS = {200: "OK", 201: "Created", 401: "Unauthorized", 429: "Too Many Requests", 503: "Service Unavailable"}
_UNANSWERED = 0


@attrs.frozen
class Answer:
    """What the server does about a request."""

    status: int
    body: bytes = b"{}"
    delay: float = 0.0
    retry_after: str | None = None

    def encoded(self) -> bytes:
        """Return the answer as it goes over the wire."""
        retry_after = "" if self.retry_after is None else f"Retry-After: {self.retry_after}\r\n"
        head = (
            f"HTTP/1.1 {self.status} {_REASONS[self.status]}\r\nContent-Type: application/json\r\n"
            f"{retry_after}Content-Length: {len(self.body)}\r\n\r\n"
        )
        return head.encode() + self.body


class Service:
    """What all connections share: the weather, and the log of all requests."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.log: list[tuple[float, str, str, int, str]] = []
        self.away = False
        self._options = options
        self._limit: Limit = limit_from(options.limit)
        self._random = random.Random(0)  # noqa: S311 - latencies are no secret
        self._pages = 0

    def answer(self, head: str, body: bytes, now: float) -> Answer:
        """Return what is done about a request, and note it."""
        method, target, _ = head.split(" ", 2)
        client, _, path = target[1:].partition("/")
        answer = self._answer(method, path, head)
        username = json.loads(body)["username"] if body else ""
        if not self.away and answer.status < 400 and not self._limit.accepts(now):  # noqa: PLR2004 - client errors
            answer = Answer(self._options.refuse_with, retry_after=self._options.retry_after)
        if len(self.log) >= self._options.revoke_after:
            answer = Answer(401, b'{"detail":"Invalid API key."}')
        self.log.append((now, client, method, answer.status, username))
        return answer

    def _answer(self, method: str, path: str, head: str) -> Answer:
        if self.away:
            return Answer(503 if self._options.away == "503" else _UNANSWERED)
        delay = self._random.uniform(*self._options.delay)
        path, _, query = path.partition("?")
        name = path.removeprefix(pages.PREFIX.decode().lstrip("/")).lstrip("/").encode()
        if method == "POST":
            return Answer(201, pages.registration(b"new"), delay)
        if name:
            return Answer(200, pages.registration(name), delay)
        return self._page(query, head)

    def _page(self, query: str, head: str) -> Answer:
        page_delays = self._options.page_delays
        delay = page_delays[min(self._pages, len(page_delays) - 1)]
        self._pages += 1
        if delay == math.inf:
            return Answer(_UNANSWERED)
        asked = parse_qs(query)
        size = min(int(asked.get("pageSize", ["100"])[0]), self._options.max_page_size)
        start = int(asked.get("cursor", ["0"])[0])
        url = f"http://{_header(head, 'host')}{pages.PREFIX.decode()}".encode()
        return Answer(200, pages.page(self._options.registrations, start, size, url), delay)


def _header(head: str, name: str) -> str:
    for line in head.split("\r\n"):
        key, _, value = line.partition(":")
        if key.lower() == name:
            return value.strip()
    return ""


class Connection(asyncio.Protocol):
    """One connection of a client, or of a gateway. Requests on it are not pipelined."""

    def __init__(self, server: "Server") -> None:
        self._server = server
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to write."""
        if isinstance(transport, asyncio.Transport):
            self._transport = transport
            self._server.connections.add(transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Forget where to write."""
        if self._transport is not None:
            self._server.connections.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        """Answer, now or after the delay, when the request is complete."""
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        text = head.decode("latin-1")
        if not end or len(body) < int(_header(text, "content-length") or 0):
            return
        self._received = b""
        answer = self._server.answer(text, body)
        if answer.status != _UNANSWERED:
            self._server.loop.call_later(answer.delay, self._write, answer.encoded())

    def _write(self, answer: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(answer)


class Server:
    """The listening socket, and the outage."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.loop = asyncio.get_running_loop()
        self.connections: set[asyncio.Transport] = set()
        self.outage: list[float] = []
        self.service = Service(options)
        self._options = options
        self._listening: asyncio.Server | None = None
        self._outage: asyncio.Task[None] | None = None

    async def listen(self, port: int = 0) -> int:
        """Accept connections, and return the port."""
        self._listening = await self.loop.create_server(lambda: Connection(self), "127.0.0.1", port, backlog=4096)
        return int(self._listening.sockets[0].getsockname()[1])

    async def over(self) -> None:
        """Wait for the end of the outage."""
        if self._outage is not None:
            await self._outage

    def close(self) -> None:
        """Accept no more connections, and end those that there are."""
        if self._listening is not None:
            self._listening.close()
        for connection in list(self.connections):
            connection.abort()

    def answer(self, head: str, body: bytes) -> Answer:
        """Return what is done about a request; the first one starts the clock of the outage."""
        if self._outage is None and self._options.away is not None:
            self._outage = self.loop.create_task(self._be_away())
        return self.service.answer(head, body, self.loop.time())

    async def _be_away(self) -> None:
        await asyncio.sleep(self._options.away_after)
        self.outage.append(self.loop.time())
        port = 0
        if self._options.away == "refused" and self._listening is not None:
            port = self._listening.sockets[0].getsockname()[1]
            self.close()
        self.service.away = True
        await asyncio.sleep(self._options.away_for)
        self.service.away = False
        if port:
            await self.listen(port)
        self.outage.append(self.loop.time())


async def _serve(options: argparse.Namespace) -> None:
    server = Server(options)
    sys.stdout.write(f"{await server.listen()}\n")
    sys.stdout.flush()
    gc.freeze()
    await server.loop.run_in_executor(None, sys.stdin.read)
    json.dump({"requests": server.service.log, "outage": server.outage}, sys.stdout)


def options_from(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.weather.server")
    parser.add_argument("--limit", default="none", help="of the key; see benchmarks.limits")
    parser.add_argument("--refuse-with", type=int, default=429, help="the status of what is above the limit")
    parser.add_argument("--retry-after", help="the header of what is above the limit")
    parser.add_argument("--delay", type=float, nargs=2, default=(0.02, 0.03), help="seconds before an answer, from, to")
    parser.add_argument("--registrations", type=int, default=0)
    parser.add_argument("--max-page-size", type=int, default=100)
    parser.add_argument("--page-delays", type=float, nargs="+", default=[0.02], help="seconds; the last one repeats")
    parser.add_argument("--revoke-after", type=float, default=math.inf, help="requests after which all get a 401")
    parser.add_argument("--away", choices=("refused", "503", "silent"), help="what an outage looks like")
    parser.add_argument("--away-after", type=float, default=3.0, help="seconds from the first request to the outage")
    parser.add_argument("--away-for", type=float, default=0.0, help="seconds that the outage lasts")
    return parser.parse_args(arguments)


def main() -> None:
    """Serve until standard input ends."""
    asyncio.run(_serve(options_from()))


if __name__ == "__main__":
    main()
