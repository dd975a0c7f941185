"""Real gateways in front of the server: nginx and HAProxy, each with a configuration made for the row."""

import asyncio
import re
import shutil
import socket
import tempfile
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from benchmarks.weather.processes import Event, process
from benchmarks.weather.scenario import MissingProgramError

_NGINX = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    log_format weather '$msec $request_method $request_uri $status $connection';
    access_log {folder}/access.log weather;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    map $status $retry_after {{ 429 1; }}
    limit_req_zone $http_x_api_key zone=key:1m rate=50r/s;
    limit_req_status 429;
    upstream backend {{ server 127.0.0.1:{backend}; keepalive 128; }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        {directives}
        location / {{
            add_header Retry-After $retry_after always;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_pass http://backend;
        }}
    }}
}}
"""

_HAPROXY = """\
global
    log stdout format raw local0
defaults
    mode http
    log global
    log-format "%Ts.%ms %HM %HP %ST %cp"
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    {directives}
frontend weather
    bind 127.0.0.1:{port}
    default_backend backend
backend backend
    server one 127.0.0.1:{backend} {server}
"""

_LINE = re.compile(r"([0-9.]+) ([A-Z]+) /(c[0-9]+)/\S* ([0-9]+) ([0-9]+)")
_PATIENCE = 10.0


class Gateway:
    """A running gateway.

    Args:
        port: Where it listens.
        log: The file that it writes a line to for each request that is over.
    """

    def __init__(self, port: int, log: Path) -> None:
        self._port = port
        self._log = log
        # The logs have the time of day, and everything else that is measured here `time.monotonic`.
        self._offset = time.time() - time.monotonic()

    def base_url(self, client: str = "c0") -> str:
        """Return the base URL for a client."""
        return f"http://127.0.0.1:{self._port}/{client}"

    def requests(self) -> list[Event]:
        """Return the requests so far, each at the moment of its answer."""
        return [
            Event(float(at) - self._offset, client, method, int(status))
            for at, method, client, status, _ in _LINE.findall(self._log.read_text())
        ]

    def connections(self, client: str, requests: int) -> int:
        """Return how many connections brought the last so many requests of a client."""
        numbers = [number for _, _, of, _, number in _LINE.findall(self._log.read_text()) if of == client]
        return len(set(numbers[-requests:]))


@asynccontextmanager
async def nginx(backend: int, *directives: str) -> AsyncGenerator[Gateway]:
    """Run nginx in front of a server, with directives for its `server` block.

    Raises:
        MissingProgramError: It is not installed.
    """
    program, port = found("nginx"), _free_port()
    lines = " ".join(f"{directive};" for directive in directives)
    with _folder(_NGINX, backend=backend, port=port, directives=lines) as (folder, settings):
        async with process(program, "-p", str(folder), "-c", str(settings), "-e", str(folder / "error.log")):
            await _listening(port)
            yield Gateway(port, folder / "access.log")


@asynccontextmanager
async def haproxy(backend: int, *directives: str, server: str = "") -> AsyncGenerator[Gateway]:
    """Run HAProxy in front of a server, with lines for its defaults and options of its `server`.

    Raises:
        MissingProgramError: It is not installed.
    """
    program, port = found("haproxy"), _free_port()
    lines = "\n    ".join(directives)
    with (
        _folder(_HAPROXY, backend=backend, port=port, directives=lines, server=server) as (folder, settings),
        _written(folder / "access.log") as log,
    ):
        async with process(program, "-db", "-f", str(settings), stdout=log):
            await _listening(port)
            yield Gateway(port, folder / "access.log")


@contextmanager
def _folder(template: str, **values: object) -> Generator[tuple[Path, Path]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = folder / "settings"
        settings.write_text(template.format(folder=folder, **values))
        yield folder, settings


@contextmanager
def _written(path: Path) -> Generator[int]:
    with path.open("wb") as file:
        yield file.fileno()


def found(program: str) -> str:
    """Return the path of a program, which need not be on the path of an ordinary user.

    Raises:
        MissingProgramError: It is not installed.
    """
    path = shutil.which(program) or shutil.which(program, path="/usr/local/sbin:/usr/sbin")
    if path is None:
        raise MissingProgramError(program)
    return path


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


async def _listening(port: int) -> None:
    async with asyncio.timeout(_PATIENCE):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                await writer.wait_closed()
                return
