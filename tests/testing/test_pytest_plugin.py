import os
import runpy
import sys
from pathlib import Path

import aiohttp
import pytest

import _ultravox_async_pytestplugin as plugin
from ultravox_async.testing import Emulator
from ultravox_async.testing._aioresponses import started_aioresponses

ROOT = Path(plugin.__file__).parent

ASYNC_TESTS = """
    import aiohttp, pytest
    from ultravox_async import AsyncUltravox
    from ultravox_async.testing import Emulator

    {mark}
    async def test_the_client_talks_to_the_emulator(ultravox, ultravox_emulator):
        assert isinstance(ultravox, AsyncUltravox)
        assert isinstance(ultravox_emulator, Emulator)
        some_id = ultravox_emulator.registration_ids[0]
        assert (await ultravox.sip.registrations.get(some_id)).registration_id == some_id

    {mark}
    async def test_there_are_ten_registrations(ultravox_emulator):
        assert len(ultravox_emulator.registration_ids) == 10
        assert ultravox_emulator.received == 0
"""

OTHER_SETTINGS = """
    import pytest

    @pytest.fixture
    def ultravox_emulator_settings():
        return {"registrations": 3, "requests_per_second": 5.0}

    async def test_settings_can_be_overridden(ultravox_emulator):
        assert len(ultravox_emulator.registration_ids) == 3
        assert ultravox_emulator.requests_per_second == 5.0
"""

MOCKED_TEST = """
    import asyncio, aiohttp

    async def fetch():
        async with aiohttp.ClientSession() as session, session.get("http://api.example") as response:
            return await response.json()

    def test_sessions_are_mocked(ultravox_responses):
        ultravox_responses.get("http://api.example", payload={"mocked": True})
        assert asyncio.run(fetch()) == {"mocked": True}
"""

PLAIN_TEST = """
    import sys

    def test_nothing_was_imported():
        assert "_ultravox_async_pytestplugin" in sys.modules
        assert not {"aiohttp", "attrs", "ultravox_async"} & set(sys.modules)
"""


@pytest.fixture
def pytester(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    # Plugins are named one by one, so that it does not matter which ones the environment has installed.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    return pytester


WITH_ASYNCIO = ("-p", "pytest_asyncio.plugin", "-o", "asyncio_default_fixture_loop_scope=function")


def outcomes(pytester: pytest.Pytester, *arguments: str) -> dict[str, int]:
    result = pytester.runpytest_subprocess("-W", "error", *arguments, "-p", "_ultravox_async_pytestplugin")
    return result.parseoutcomes()


@pytest.mark.parametrize(("mode", "mark"), [("auto", ""), ("strict", "@pytest.mark.asyncio")])
def test_the_async_fixtures_work_in_each_mode(pytester: pytest.Pytester, mode: str, mark: str) -> None:
    pytester.makepyfile(ASYNC_TESTS.format(mark=mark))
    assert outcomes(pytester, *WITH_ASYNCIO, f"--asyncio-mode={mode}") == {"passed": 2}


def test_the_emulator_can_have_other_settings(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(OTHER_SETTINGS)
    assert outcomes(pytester, *WITH_ASYNCIO, "--asyncio-mode=auto") == {"passed": 1}


def test_aioresponses_works_with_the_installed_aiohttp(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(MOCKED_TEST)
    assert outcomes(pytester) == {"passed": 1}


def test_a_run_that_does_not_use_the_plugin_imports_nothing_with_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(PLAIN_TEST)
    assert outcomes(pytester) == {"passed": 1}


def test_without_pytest_asyncio_there_are_only_the_other_fixtures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pytest_asyncio", None)
    defined = runpy.run_path(plugin.__file__)
    assert {name for name in defined if name.startswith("ultravox")} == {
        "ultravox_emulator_settings",
        "ultravox_responses",
    }


async def test_a_mocked_response_can_be_read_like_a_real_one() -> None:
    with started_aioresponses() as mock:
        # aioresponses leaves open what its dicts hold.
        mock.add(  # pyright: ignore[reportUnknownMemberType]
            "http://api.example/x?a=1", body=b"abc", headers={"X-More": "1"}, status=418
        )
        async with aiohttp.ClientSession() as session, session.get("http://api.example/x", params={"a": 1}) as response:
            assert (response.status, response.headers["X-More"], await response.read()) == (418, "1", b"abc")


async def test_the_mock_ends_with_its_context(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    with started_aioresponses(), pytest.raises(aiohttp.ClientConnectionError):
        await api.get("/api/sip")
    assert emulator.received == 0
    assert (await api.get("/api/sip")).status == 200
