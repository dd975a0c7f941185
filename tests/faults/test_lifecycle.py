import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.wire import HANG_UP, WAIT, Say, Wire, answer, client_of, in_turn
from ultravox_async import AsyncUltravox, ClientClosedError, UltravoxError

ROOT = Path(__file__).parents[2]
ANYTHING = "/api/anything"
OK = answer(200, {"fine": True})
_LONGEST = 25.0

# In development mode asyncio complains about callbacks that take longer than 0.1 s, as any does on a busy machine.
PREAMBLE = """
import asyncio, logging, os, sys, threading
logging.getLogger("asyncio").addFilter(lambda record: not record.getMessage().startswith("Executing "))
from ultravox_async import AsyncUltravox, RateLimit, RetryPolicy, Timeout, UltravoxError, ClientClosedError
from ultravox_async.testing import Emulator, Stall
"""


def run(script: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a script that may not hang, and whose server ends with it."""
    return subprocess.run(  # noqa: S603 - this Python, with a script of this file
        [sys.executable, *options, "-c", PREAMBLE + script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=_LONGEST,
        check=False,
    )


def assert_clean(done: subprocess.CompletedProcess[str], said: str) -> None:
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, said, "")


STRICT = ("-X", "dev", "-W", "error")

AS_DOCUMENTED = {
    "with async with": """
async def main():
    async with Emulator(registrations=5) as emulator:
        async with AsyncUltravox(emulator.api_key, base_url=emulator.base_url) as ultravox:
            ids = [each.registration_id async for each in ultravox.sip.registrations.list()]
            print(len((await ultravox.sip.registrations.get_many(ids)).found))
asyncio.run(main())
""",
    "with close": """
async def main():
    async with Emulator(registrations=5) as emulator:
        ultravox = AsyncUltravox(emulator.api_key, base_url=emulator.base_url)
        print(len([each async for each in ultravox.sip.registrations.list()]))
        await ultravox.close()
asyncio.run(main())
""",
    "built outside a loop": """
ultravox = AsyncUltravox("a-key", base_url="http://127.0.0.1:9", retry=RetryPolicy(max_attempts=1))
async def main():
    async with ultravox:
        try:
            await ultravox.sip.get_config()
        except UltravoxError:
            print(5)
asyncio.run(main())
""",
    "never used": """
AsyncUltravox("a-key")
print(5)
""",
    "a sweep left early": """
from contextlib import aclosing
async def main():
    async with Emulator(registrations=50) as emulator:
        async with AsyncUltravox(emulator.api_key, base_url=emulator.base_url) as ultravox:
            async with aclosing(aiter(ultravox.sip.registrations.get_many(emulator.registration_ids))) as outcomes:
                async for outcome in outcomes:
                    break
        print(5)
asyncio.run(main())
""",
    "a timeout in between": """
async def main():
    async with Emulator(registrations=5) as emulator:
        emulator.inject(Stall())
        async with AsyncUltravox(emulator.api_key, base_url=emulator.base_url) as ultravox:
            try:
                async with asyncio.timeout(0.05):
                    await ultravox.sip.get_config()
            except TimeoutError:
                print(5)
asyncio.run(main())
""",
}


@pytest.mark.slow
@pytest.mark.parametrize("use", AS_DOCUMENTED)
def test_use_as_documented_emits_no_warning(use: str) -> None:
    assert_clean(run(AS_DOCUMENTED[use], *STRICT), "5")


def test_a_forked_child_is_told_to_make_a_client_of_its_own() -> None:
    done = run("""
async def use(ultravox):
    try:
        async with asyncio.timeout(10):
            await ultravox.sip.get_config()
    except UltravoxError as error:
        return str(error)

async def main():
    async with Emulator() as emulator, AsyncUltravox(emulator.api_key, base_url=emulator.base_url) as ultravox:
        await ultravox.sip.get_config()
        child = os.fork()
        if child == 0:
            said = None
            def in_the_child():
                global said
                said = asyncio.run(use(ultravox))
            thread = threading.Thread(target=in_the_child)
            thread.start()
            thread.join()
            os._exit(0 if said and "another event loop" in said else 1)
        while os.waitpid(child, os.WNOHANG) == (0, 0):
            await asyncio.sleep(0)
        await ultravox.sip.get_config()
        print("the parent still works")
asyncio.run(main())
""")
    assert_clean(done, "the parent still works")


def test_a_child_forked_between_two_loops_is_told_to_make_a_client_of_its_own() -> None:
    done = run("""
emulator = Emulator()

async def use_and_leave(ultravox):
    async with emulator:
        await ultravox.sip.get_config()

async def use_again(ultravox):
    async with asyncio.timeout(10):
        await ultravox.sip.get_config()

probe = Emulator()
async def address():
    async with emulator:
        return emulator.base_url
ultravox = AsyncUltravox(emulator.api_key, base_url=asyncio.run(address()))
asyncio.run(use_and_leave(ultravox))
child = os.fork()
try:
    asyncio.run(use_again(ultravox))
except UltravoxError as error:
    assert "another event loop" in str(error), error
    if child == 0:
        os._exit(0)
assert os.waitpid(child, 0)[1] == 0
print("told so, both")
""")
    assert (done.returncode, done.stdout.strip()) == (0, "told so, both"), done.stderr


@pytest.mark.parametrize(
    "use", ["await ultravox.sip.get_config()", "await ultravox.sip.registrations.get_many(['an-id'])"]
)
def test_interpreter_exit_without_close_ends_at_once(use: str) -> None:
    done = run(f"""
async def main():
    emulator = Emulator()
    await emulator.start()
    ultravox = AsyncUltravox(emulator.api_key, base_url=emulator.base_url)
    {use}
    print("over")
    sys.stdout.flush()
    await emulator.stop()
asyncio.run(main())
""")
    assert (done.returncode, done.stdout.strip()) == (0, "over"), done.stderr
    assert "Traceback" not in done.stderr


def test_interpreter_exit_in_the_middle_of_requests_ends_at_once() -> None:
    done = run("""
async def main():
    emulator = Emulator()
    await emulator.start()
    emulator.inject(Stall())
    ultravox = AsyncUltravox(emulator.api_key, base_url=emulator.base_url)
    tasks = [asyncio.create_task(ultravox.sip.get_config()) for _ in range(5)]
    sweep = asyncio.ensure_future(ultravox.sip.registrations.get_many(emulator.registration_ids[:5]))
    while emulator.received < 10:
        await asyncio.sleep(0)
    print("over")
asyncio.run(main())
""")
    assert (done.returncode, done.stdout.strip()) == (0, "over"), done.stderr
    assert "Traceback" not in done.stderr


async def test_use_in_another_thread_says_what_to_do() -> None:
    said: list[str] = []

    async def use(client: AsyncUltravox) -> None:
        for call in (client.request("GET", ANYTHING), client.sip.registrations.get_many(["an-id"]), client.close()):
            try:
                await call
            except UltravoxError as error:
                said.append(str(error))

    def in_a_thread() -> None:
        asyncio.run(use(client))

    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url) as client:
        await client.request("GET", ANYTHING)
        thread = threading.Thread(target=in_a_thread)
        thread.start()
        thread.join(_LONGEST)
        assert not thread.is_alive()
        assert len(said) == 3
        assert all("another event loop" in each for each in said)
        assert (await client.request("GET", ANYTHING)).status == 200
        assert len(wire.received) == 2


@pytest.mark.parametrize("count", [1, 200])
async def test_a_close_during_requests_ends_each_with_a_clear_error(count: int) -> None:
    async with Wire(in_turn(WAIT)) as wire:
        client = client_of(wire.base_url, pool_size=10)
        calls = [asyncio.create_task(client.request("GET", ANYTHING)) for _ in range(count)]
        await wire.until_received(min(count, 10))
        async with asyncio.timeout(20):
            await client.close()
            outcomes = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(each) for each in outcomes} == {ClientClosedError}
        assert all("closed" in str(each) for each in outcomes)


async def test_a_close_from_two_tasks_at_once_ends_both() -> None:
    async with Wire(in_turn(WAIT)) as wire:
        client = client_of(wire.base_url)
        call = asyncio.create_task(client.request("GET", ANYTHING))
        await wire.until_received(1)
        async with asyncio.timeout(20):
            await asyncio.gather(client.close(), client.close())
        with pytest.raises(ClientClosedError, match="closed"):
            await call


@pytest.mark.parametrize("said", [OK, HANG_UP, answer(503)], ids=["an answer", "hang up", "503"])
async def test_a_closed_client_sends_nothing_more(said: Say) -> None:
    async with Wire(in_turn(said)) as wire:
        client = client_of(wire.base_url)
        await client.close()
        with pytest.raises(ClientClosedError, match="closed"):
            await client.request("GET", ANYTHING)
        with pytest.raises(ClientClosedError, match="closed"):
            await client.sip.registrations.get_many(["an-id"])
        with pytest.raises(ClientClosedError, match="closed"):
            _ = [each async for each in client.sip.registrations.list()]
        assert wire.received == []
