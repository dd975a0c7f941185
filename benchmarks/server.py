"""A server that takes less CPU time than any client here: one `asyncio.Protocol`, whose responses are joined bytes.

    python -m benchmarks.server --registrations 10000 --delay 0.1 --rate 200

It prints its port and runs until its standard input is closed, so it never outlives its parent process. It supports

- ``GET /api/sip/registrations/{id}``: a registration with that id, whatever the id is
- ``GET /api/sip/registrations?cursor=…&pageSize=…``: pages of the registrations with the ids of `ids`
- ``GET /counts``: the number of requests, and of those that got a 429

Bodies and pipelining are not supported, because no client here uses them.
"""

import argparse
import asyncio
import functools
import gc
import sys
from collections import defaultdict, deque
from collections.abc import Iterator
from urllib.parse import parse_qs

PREFIX = b"/api/sip/registrations"
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nServer: benchmark\r\nContent-Length: %d\r\n\r\n"
_THROTTLED = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 2\r\n\r\n{}"
_BEFORE_ID = b'{"registrationId":"'
_AFTER_ID = (
    b'","created":"2026-07-02T10:00:00.123456Z","username":"user-000042","proxy":"sip.example.com",'
    b'"outboundProxy":"edge.example.com","authUser":null,"successful":true}'
)


def ids(count: int) -> Iterator[str]:
    """Yield the ids in the listing of a server with so many registrations."""
    for number in range(count):
        yield f"{number:08x}-0000-4000-8000-0123456789ab"


def registration(registration_id: bytes) -> bytes:
    """Return a registration as JSON."""
    return _BEFORE_ID + registration_id + _AFTER_ID


def page(count: int, start: int, size: int, url: bytes = PREFIX) -> bytes:
    """Return a page of a listing of `count` registrations as JSON."""
    shown = [name.encode() for name in ids(count)][start : start + size]
    after = b'"%b?cursor=%d&pageSize=%d"' % (url, start + size, size) if start + size < count else b"null"
    return b'{"next":%b,"previous":null,"total":%d,"results":[%b]}' % (
        after,
        count,
        b",".join(registration(name) for name in shown),
    )


class Service:
    """The state that all connections share.

    Args:
        registrations: The number of registrations in the listing.
        max_page_size: The maximum number of them on one page.
        delay: Seconds before each response.
        rate: The maximum number of requests of a key in any window of one second; None for no limit.
    """

    def __init__(self, registrations: int, max_page_size: int, delay: float, rate: int | None) -> None:
        self.delay = delay
        self.requests = 0
        self.throttled = 0
        self._registrations = registrations
        self._max_page_size = max_page_size
        self._rate = rate
        self._accepted: defaultdict[bytes, deque[float]] = defaultdict(deque)
        self._page = functools.cache(page)

    def respond(self, request: bytes, now: float) -> bytes:
        """Return the response to a request."""
        self.requests += 1
        if self._rate is not None and not self._accepts(request, now):
            self.throttled += 1
            return _THROTTLED
        target = request[4 : request.index(b" ", 4)]
        if target.startswith(PREFIX + b"/"):
            body = registration(target[len(PREFIX) + 1 :])
        elif target.startswith(PREFIX):
            body = self._listing(target, request)
        else:
            self.requests -= 1
            body = b'{"requests":%d,"throttled":%d}' % (self.requests, self.throttled)
        return _HEAD % len(body) + body

    def _accepts(self, request: bytes, now: float) -> bool:
        accepted = self._accepted[_header(request, b"x-api-key: ")]
        while accepted and accepted[0] <= now - 1.0:
            accepted.popleft()
        if len(accepted) >= (self._rate or 0):
            return False
        accepted.append(now)
        return True

    def _listing(self, target: bytes, request: bytes) -> bytes:
        query = parse_qs(target.partition(b"?")[2].decode())
        size = min(int(query.get("pageSize", ["100"])[0]), self._max_page_size)
        url = b"http://" + _header(request, b"host: ") + PREFIX
        return self._page(self._registrations, int(query.get("cursor", ["0"])[0]), size, url)


def _header(request: bytes, name: bytes) -> bytes:
    return request[request.lower().index(name) + len(name) :].split(b"\r\n", 1)[0]


class Connection(asyncio.Protocol):
    """One connection of a client."""

    def __init__(self, service: Service, loop: asyncio.AbstractEventLoop) -> None:
        self._service = service
        self._loop = loop
        self._received = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        if isinstance(transport, asyncio.WriteTransport):
            self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Respond when the request is complete, at once or after the delay."""
        self._received += data
        if self._received.endswith(b"\r\n\r\n"):
            response = self._service.respond(self._received, self._loop.time())
            self._received = b""
            if self._service.delay:
                self._loop.call_later(self._service.delay, self._write, response)
            else:
                self._write(response)

    def _write(self, response: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(response)


async def _serve(service: Service) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(service, loop), "127.0.0.1", 0, backlog=4096)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    gc.freeze()
    await loop.run_in_executor(None, sys.stdin.read)


def main() -> None:
    """Serve until standard input is closed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.server")
    parser.add_argument("--registrations", type=int, default=0)
    parser.add_argument("--max-page-size", type=int, default=1000)
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--rate", type=int)
    options = parser.parse_args()
    asyncio.run(_serve(Service(options.registrations, options.max_page_size, options.delay, options.rate)))


if __name__ == "__main__":
    main()
