import os
from pathlib import Path

import aiohttp
import pytest

import _ultravox_async_pytestplugin as plugin
from ultravox_async import AsyncUltravox
from ultravox_async.testing import Emulator
from ultravox_async.testing.aioresponses import aioresponses

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

EVERY_LOOP_SCOPE = """
    import pytest, pytest_asyncio
""" + "".join(
    f"""
    @pytest_asyncio.fixture(loop_scope="{scope}")
    async def registration_in_{scope}(ultravox):
        made = await ultravox.sip.registrations.create(username="alice", password="b", proxy="sip.example.com")
        yield made
        await ultravox.sip.registrations.delete(made.registration_id)

    @pytest.mark.asyncio(loop_scope="{scope}")
    async def test_with_a_loop_of_scope_{scope}(ultravox, registration_in_{scope}, ultravox_emulator):
        assert ultravox_emulator.registration_ids[-1] == registration_in_{scope}.registration_id
        await ultravox_emulator.stop()
        await ultravox_emulator.start()
        assert await ultravox.sip.registrations.get(registration_in_{scope}.registration_id) == registration_in_{scope}
    """
    for scope in ("function", "class", "module", "package", "session")
)

DEFAULT_LOOP_SCOPE = """
    import asyncio, pytest

    loops = set()

    {mark}
    async def test_the_loop_has_the_scope_of_the_configuration(ultravox):
        loops.add(asyncio.get_running_loop())
        await ultravox.sip.get_config()

    {mark}
    async def test_this_is_the_same_loop(ultravox):
        loops.add(asyncio.get_running_loop())
        await ultravox.sip.get_config()
        assert len(loops) == 1
"""

FIXTURE_IN_ANOTHER_LOOP = """
    import pytest, pytest_asyncio

    @pytest_asyncio.fixture(loop_scope="{of_fixture}")
    async def bot(ultravox):
        await ultravox.sip.get_config()

    @pytest.mark.asyncio(loop_scope="{of_test}")
    async def test_with_a_fixture_in_another_loop(bot):
        pass
"""

SYNCHRONOUS_TESTS = """
    import asyncio, json, urllib.request
    from ultravox_async import AsyncUltravox
    from ultravox_async.testing import Respond

    def test_the_emulator_can_be_reached(ultravox_emulator):
        url = f"{ultravox_emulator.base_url}/api/sip/registrations"
        request = urllib.request.Request(url, headers={"X-API-Key": ultravox_emulator.api_key})
        with urllib.request.urlopen(request) as response:
            assert json.load(response)["total"] == len(ultravox_emulator.registration_ids)
        assert [each.path for each in ultravox_emulator.requests] == ["/api/sip/registrations"]

    def test_what_the_message_says_works(ultravox_emulator):
        rule = ultravox_emulator.inject(Respond(503), times=1)
        async def use():
            async with AsyncUltravox(ultravox_emulator.api_key, base_url=ultravox_emulator.base_url) as client:
                await client.sip.get_config()
        asyncio.run(use())
        assert rule.hits == 1
"""

WRONG_TESTS = """
    import pytest

    def test_synchronous(ultravox):
        pass

    async def test_not_marked(ultravox):
        pass
"""

ANYIO_TESTS = """
    import pytest

    pytestmark = pytest.mark.anyio

    @pytest.fixture
    def anyio_backend():
        return "{backend}"

    @pytest.fixture
    async def registration(ultravox):
        made = await ultravox.sip.registrations.create(username="alice", password="b", proxy="sip.example.com")
        yield made
        await ultravox.sip.registrations.delete(made.registration_id)

    async def test_with_anyio(ultravox, registration, ultravox_emulator):
        await ultravox_emulator.stop()
        await ultravox_emulator.start()
        assert await ultravox.sip.registrations.get(registration.registration_id) == registration
"""

OUTAGE_WITHOUT_ASYNCIO = """
    import urllib.request

    def run(main):
        try:
            main.send(None)
        except StopIteration:
            return
        raise AssertionError("there is no loop that this could wait in")

    def test_an_outage_needs_no_asyncio(ultravox_emulator):
        run(ultravox_emulator.stop())
        run(ultravox_emulator.start())
        request = urllib.request.Request(f"{ultravox_emulator.base_url}/api/sip")
        try:
            urllib.request.urlopen(request)
        except urllib.error.HTTPError as error:
            assert error.code == 401
            error.close()
"""

OTHER_SETTINGS = """
    import pytest
    from ultravox_async import RateLimit

    @pytest.fixture
    def ultravox_emulator_settings():
        return {"registrations": 3, "requests_per_second": 5.0}

    @pytest.fixture(params=[1.0, 2.0])
    def ultravox_settings(request):
        return {"rate_limit": RateLimit(request.param)}

    def test_the_emulator_can_have_other_settings(ultravox_emulator):
        assert len(ultravox_emulator.registration_ids) == 3
        assert ultravox_emulator.requests_per_second == 5.0

    async def test_the_client_can_have_other_settings(ultravox, request):
        rate = request.node.callspec.params["ultravox_settings"]
        assert f"rate_limit=RateLimit(requests_per_second={rate}," in repr(ultravox)
        assert "base_delay=0.001" in repr(ultravox), "what was not overridden stays"
"""

RETRYING_TEST = """
    from ultravox_async.testing import Respond

    async def test_retries_make_no_pauses(ultravox, ultravox_emulator):
        assert "base_delay=0.001" in repr(ultravox)
        ultravox_emulator.inject(Respond(503), times=3)
        await ultravox.sip.get_config()
        assert ultravox_emulator.counts == {503: 3, 200: 1}
"""

MOCKED_CLIENT_TESTS = """
    import pytest
    from ultravox_async import APIConnectionError

    async def check(client, mock, emulator):
        mock.post(f"{emulator.base_url}/api/calls", status=201, payload={"mocked": True})
        assert (await client.request("POST", "/api/calls", json={})).json() == {"mocked": True}
        with pytest.raises(APIConnectionError):
            await client.sip.get_config()
        assert emulator.received == 0

    async def test_the_client_first(ultravox, ultravox_responses, ultravox_emulator):
        await check(ultravox, ultravox_responses, ultravox_emulator)

    async def test_the_mock_first(ultravox_responses, ultravox, ultravox_emulator):
        await check(ultravox, ultravox_responses, ultravox_emulator)

    async def test_the_emulator_is_back_without_the_mock(ultravox):
        await ultravox.sip.get_config()
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
IN_AUTO_MODE = (*WITH_ASYNCIO, "--asyncio-mode=auto")
WITH_ANYIO = ("-p", "anyio.pytest_plugin")

each_mode = pytest.mark.parametrize(("mode", "mark"), [("auto", ""), ("strict", "@pytest.mark.asyncio")])


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.runpytest("-W", "error", *arguments, "-p", "_ultravox_async_pytestplugin")


def run_alone(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Run pytest in a process that has imported nothing yet."""
    return pytester.runpytest_subprocess("-W", "error", *arguments, "-p", "_ultravox_async_pytestplugin")


def outcomes(pytester: pytest.Pytester, *arguments: str) -> dict[str, int]:
    return run(pytester, *arguments).parseoutcomes()


def without(pytester: pytest.Pytester, module: str) -> tuple[str, str]:
    """Make a plugin that hides a module as if it were not installed, and give the arguments that load it."""
    pytester.makepyfile(hiding=f"import sys; sys.modules[{module!r}] = None")
    return "-p", "hiding"


@each_mode
def test_the_async_fixtures_work_in_each_mode(pytester: pytest.Pytester, mode: str, mark: str) -> None:
    pytester.makepyfile(ASYNC_TESTS.format(mark=mark))
    assert outcomes(pytester, *WITH_ASYNCIO, f"--asyncio-mode={mode}") == {"passed": 2}


@pytest.mark.parametrize("mode", ["auto", "strict"])
def test_the_client_is_opened_and_closed_in_the_loop_of_the_test(pytester: pytest.Pytester, mode: str) -> None:
    pytester.makepyfile(EVERY_LOOP_SCOPE)
    assert outcomes(pytester, *WITH_ASYNCIO, f"--asyncio-mode={mode}") == {"passed": 5}


@each_mode
def test_the_scope_of_the_loop_may_be_configured(pytester: pytest.Pytester, mode: str, mark: str) -> None:
    pytester.makepyfile(DEFAULT_LOOP_SCOPE.format(mark=mark))
    scope = ("-o", "asyncio_default_test_loop_scope=session")
    assert outcomes(pytester, *WITH_ASYNCIO, *scope, f"--asyncio-mode={mode}") == {"passed": 2}


@pytest.mark.parametrize(("of_fixture", "of_test"), [("function", "session"), ("session", "function")])
def test_a_fixture_in_another_loop_than_the_test_gets_an_error(
    pytester: pytest.Pytester, of_fixture: str, of_test: str
) -> None:
    pytester.makepyfile(FIXTURE_IN_ANOTHER_LOOP.format(of_fixture=of_fixture, of_test=of_test))
    result = run(pytester, *WITH_ASYNCIO, "--tb=short")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["test_*.py:5: in bot", "*UltravoxError: *in another event loop*"])


@pytest.mark.parametrize("arguments", [(), WITH_ASYNCIO])
def test_synchronous_tests_can_use_the_emulator(pytester: pytest.Pytester, arguments: tuple[str, ...]) -> None:
    pytester.makepyfile(SYNCHRONOUS_TESTS)
    assert outcomes(pytester, *arguments) == {"passed": 2}


def test_a_test_without_asyncio_gets_an_error_with_a_remedy(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(WRONG_TESTS)
    result = run(pytester, *WITH_ASYNCIO)
    result.assert_outcomes(errors=2)
    told = "ultravox is for asyncio tests only: *@pytest.mark.asyncio*AsyncUltravox(*) inside asyncio.run()."
    result.stdout.fnmatch_lines([told, told])


def test_tests_of_anyio_on_asyncio_can_use_the_client(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(ANYIO_TESTS.format(backend="asyncio"))
    assert outcomes(pytester, *WITH_ANYIO, *WITH_ASYNCIO) == {"passed": 1}


def test_an_anyio_test_on_another_backend_gets_an_error_with_a_remedy(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(ANYIO_TESTS.format(backend="trio"))
    result = run(pytester, *WITH_ANYIO)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ['ultravox is for asyncio tests only, and anyio runs this one on trio: *anyio_backend return "asyncio"']
    )


def test_two_plugins_that_run_one_test_do_not_deadlock(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(ANYIO_TESTS.format(backend="asyncio"))
    result = run(pytester, *WITH_ANYIO, *IN_AUTO_MODE)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["pytest-asyncio runs this test and anyio its fixtures*"])


def test_an_outage_can_be_made_without_asyncio(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(OUTAGE_WITHOUT_ASYNCIO)
    assert outcomes(pytester) == {"passed": 1}


def test_the_emulator_and_the_client_can_have_other_settings(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(OTHER_SETTINGS)
    assert outcomes(pytester, *IN_AUTO_MODE) == {"passed": 3}


def test_the_client_makes_no_pauses_between_attempts(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(RETRYING_TEST)
    assert outcomes(pytester, *IN_AUTO_MODE) == {"passed": 1}


def test_aioresponses_works_with_the_installed_aiohttp(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(MOCKED_TEST)
    assert outcomes(pytester) == {"passed": 1}


def test_the_mock_answers_the_client_and_lets_nothing_through_to_the_emulator(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(MOCKED_CLIENT_TESTS)
    assert outcomes(pytester, *IN_AUTO_MODE) == {"passed": 3}


def test_a_run_that_does_not_use_the_plugin_imports_nothing_with_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(PLAIN_TEST)
    run_alone(pytester).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("module", "fixture"), [("pytest_asyncio", "ultravox"), ("aioresponses", "ultravox_responses")]
)
def test_a_package_that_is_not_installed_is_named(pytester: pytest.Pytester, module: str, fixture: str) -> None:
    pytester.makepyfile(f"def test_that_needs_more({fixture}): pass")
    result = run_alone(pytester, *without(pytester, module))
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"{fixture} *pip install 'ultravox-async?pytest?'*"])


@pytest.mark.parametrize("module", ["pytest_asyncio", "aioresponses"])
def test_the_emulator_needs_nothing_else(pytester: pytest.Pytester, module: str) -> None:
    pytester.makepyfile(SYNCHRONOUS_TESTS)
    run_alone(pytester, *without(pytester, module)).assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("fixture", "description"),
    [
        ("ultravox", "*AsyncUltravox*asyncio tests*"),
        ("ultravox_emulator", "*.inject(Respond(503), times=1)*"),
        ("ultravox_emulator_settings", "*Emulator*override this fixture*"),
        ("ultravox_settings", "*AsyncUltravox*override this fixture*"),
        ("ultravox_responses", "*aioresponses*"),
    ],
)
def test_pytest_lists_what_each_fixture_is_for(pytester: pytest.Pytester, fixture: str, description: str) -> None:
    result = run(pytester, "--fixtures")
    result.stdout.fnmatch_lines([f"{fixture} -- *", description], consecutive=True)


async def test_a_mocked_response_can_be_read_like_a_real_one() -> None:
    with aioresponses() as mock:
        # aioresponses leaves open what its dicts hold.
        mock.add(  # pyright: ignore[reportUnknownMemberType]
            "http://api.example/x?a=1", body=b"abc", headers={"X-More": "1"}, status=418
        )
        async with aiohttp.ClientSession() as session, session.get("http://api.example/x", params={"a": 1}) as response:
            assert (response.status, response.headers["X-More"], await response.read()) == (418, "1", b"abc")


async def test_a_recording_of_any_size_can_be_mocked() -> None:
    audio = bytes(300_000)
    with aioresponses() as mock:
        mock.add("https://api.example/api/calls/c1/recording", body=audio)  # pyright: ignore[reportUnknownMemberType] - see above
        async with (
            AsyncUltravox("a-key", base_url="https://api.example") as ultravox,
            ultravox.calls.recording("c1") as recording,
        ):
            assert b"".join([chunk async for chunk in recording]) == audio


async def test_the_mock_ends_with_its_context(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    with aioresponses(), pytest.raises(aiohttp.ClientConnectionError):
        await api.get("/api/sip")
    assert emulator.received == 0
    assert (await api.get("/api/sip")).status == 200
