"""Fixtures for tests of code that uses ultravox_async; pytest finds them once the package is installed.

- `ultravox_emulator` is a running `ultravox_async.testing.Emulator`, a new one for each test of any kind.
- `ultravox_emulator_settings` are its keyword arguments; override this fixture to change them.
- `ultravox` is an open `ultravox_async.AsyncUltravox` that talks to that emulator, for asyncio tests. It needs
  pytest-asyncio, in strict or auto mode and with any loop scope, or the pytest plugin of anyio.
- `ultravox_settings` are the keyword arguments of the client; override this fixture to change them.
- `ultravox_responses` is a started `aioresponses` mock, for tests without any server. It needs aioresponses.

`pip install 'ultravox-async[pytest]'` installs what they need.
"""

from __future__ import annotations

import importlib
import importlib.util
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import pytest

# pytest imports this module at the start of every test run in the environment. It must not import the package: that
# would load aiohttp in test runs that never use it, and before coverage is started, so that coverage would not see the
# package being imported.
if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator, Mapping

    from aioresponses import aioresponses

    from ultravox_async import AsyncUltravox
    from ultravox_async.testing import Emulator

_Scope: TypeAlias = Literal["function", "class", "module", "package", "session"]

_HAS_PYTEST_ASYNCIO: Final = importlib.util.find_spec("pytest_asyncio") is not None

_INSTALL: Final = "pip install 'ultravox-async[pytest]'"
_MARKED: Final = f"async functions marked with @pytest.mark.asyncio, which needs pytest-asyncio ({_INSTALL})"
_INSTEAD: Final = (
    "In any other test, use AsyncUltravox(ultravox_emulator.api_key, base_url=ultravox_emulator.base_url) "
    "inside asyncio.run()."
)


@pytest.fixture
def ultravox_emulator_settings() -> dict[str, object]:
    """Keyword arguments for the Emulator behind `ultravox_emulator`; override this fixture to change them.

    If they do not include `registrations`, there are 10.
    """
    return {}


@pytest.fixture
def ultravox_emulator(ultravox_emulator_settings: dict[str, object]) -> Iterator[Emulator]:
    """An emulated account at `.base_url`; inject faults with `.inject(Respond(503), times=1)`, for example.

    It is a new one for each test, and runs in a thread, so that synchronous, asyncio and trio tests can use it, with
    any scope of the event loop. The faults are in `ultravox_async.testing`: Respond, Delay, DropConnection,
    DropResponse, CutBody, Garbage and Stall. `.requests` and `.counts` record what happened, and `await .stop()` and
    `await .start()` simulate an outage. Override `ultravox_emulator_settings` to change its settings.
    """
    threaded = importlib.import_module("ultravox_async.testing._threaded")
    arguments = {"registrations": 10, **ultravox_emulator_settings}
    with threaded.threaded_emulator(**arguments) as emulator:
        yield emulator


@pytest.fixture
def ultravox_settings() -> dict[str, object]:
    """Keyword arguments for the AsyncUltravox behind `ultravox`; override this fixture to change them.

    If they do not include `retry`, failed requests are retried as often as by default, with pauses of a few
    milliseconds. A Retry-After header is still obeyed.
    """
    return {}


@pytest.fixture
def ultravox(
    request: pytest.FixtureRequest,
    ultravox_emulator: Emulator,  # noqa: ARG001 - listed here so that pytest sees when an override parametrizes the test
    ultravox_settings: dict[str, object],  # noqa: ARG001 - the same
) -> AsyncUltravox:
    """An open AsyncUltravox for the account of `ultravox_emulator`, for asyncio tests; it is closed after the test.

    It belongs to the event loop of the test, whatever its scope: an async fixture that uses it needs the same
    `loop_scope`. Override `ultravox_settings` to change its settings.
    """
    client: AsyncUltravox = request.getfixturevalue(_client_fixture(request))
    return client


@pytest.fixture
def ultravox_responses() -> Iterator[aioresponses]:
    """A started aioresponses mock: every aiohttp session gets the mocked responses, and makes no connections.

    That includes the client of `ultravox`: mock the URLs below `ultravox_emulator.base_url`. None of its requests
    reaches the emulator, and one that is not mocked fails with an APIConnectionError.
    """
    if importlib.util.find_spec("aioresponses") is None:
        pytest.fail(f"ultravox_responses needs aioresponses: {_INSTALL}", pytrace=False)
    patched = importlib.import_module("ultravox_async.testing.aioresponses")
    with patched.aioresponses() as mock:
        yield mock


@asynccontextmanager
async def _open_client(emulator: Emulator, settings: dict[str, Any]) -> AsyncGenerator[AsyncUltravox, None]:
    package = importlib.import_module("ultravox_async")
    retry = package.RetryPolicy(base_delay=0.001)
    arguments = {"api_key": emulator.api_key, "base_url": emulator.base_url, "retry": retry, **settings}
    async with package.AsyncUltravox(**arguments) as client:
        # Sends nothing, but binds the client to this event loop. Otherwise, a fixture that runs in another loop than
        # the test could use it first, and the error about two loops would be raised in the test, not in the fixture.
        await client.sip.registrations.get_many((), via="get")
        yield client


@pytest.fixture
async def _ultravox_in_anyio_loop(
    ultravox_emulator: Emulator, ultravox_settings: dict[str, object]
) -> AsyncGenerator[AsyncUltravox, None]:
    async with _open_client(ultravox_emulator, ultravox_settings) as client:
        yield client


def _client_fixture(request: pytest.FixtureRequest) -> str:
    """The name of the fixture that opens a client in the event loop in which the requesting test runs."""
    by_pytest_asyncio = _is_asyncio_test(request.node)
    by_anyio = "anyio_backend" in request.fixturenames
    if by_pytest_asyncio and by_anyio:
        pytest.fail(
            "pytest-asyncio runs this test and anyio its fixtures; choose one of the two for both", pytrace=False
        )
    if by_pytest_asyncio:
        return f"_ultravox_in_{_loop_scope(request.node)}_loop"
    if not by_anyio:
        pytest.fail(f"ultravox is for asyncio tests only: {_MARKED}. {_INSTEAD}", pytrace=False)
    backend = request.getfixturevalue("anyio_backend_name")
    if backend != "asyncio":
        pytest.fail(
            f"ultravox is for asyncio tests only, and anyio runs this one on {backend}: "
            'let the fixture anyio_backend return "asyncio"',
            pytrace=False,
        )
    return "_ultravox_in_anyio_loop"


def _is_asyncio_test(test: pytest.Item) -> bool:
    return _HAS_PYTEST_ASYNCIO and importlib.import_module("pytest_asyncio").is_async_test(test) is True


def _loop_scope(test: pytest.Item) -> str:
    marker = test.get_closest_marker("asyncio")
    arguments: Mapping[str, Any] = {} if marker is None else marker.kwargs
    # Older versions of pytest-asyncio call the argument scope.
    scope: str = (
        arguments.get("loop_scope") or arguments.get("scope") or test.config.getini("asyncio_default_test_loop_scope")
    )
    return scope


if _HAS_PYTEST_ASYNCIO:
    import pytest_asyncio

    def _client_in_loop(
        loop_scope: _Scope,
    ) -> Callable[[Emulator, dict[str, object]], AsyncGenerator[AsyncUltravox, None]]:
        # A function for each scope, because pytest-asyncio keeps the scope at the function.
        @pytest_asyncio.fixture(name=f"_ultravox_in_{loop_scope}_loop", loop_scope=loop_scope)
        async def client_in_loop(
            ultravox_emulator: Emulator, ultravox_settings: dict[str, object]
        ) -> AsyncGenerator[AsyncUltravox, None]:
            async with _open_client(ultravox_emulator, ultravox_settings) as client:
                yield client

        return client_in_loop

    _ultravox_in_function_loop = _client_in_loop("function")
    _ultravox_in_class_loop = _client_in_loop("class")
    _ultravox_in_module_loop = _client_in_loop("module")
    _ultravox_in_package_loop = _client_in_loop("package")
    _ultravox_in_session_loop = _client_in_loop("session")
