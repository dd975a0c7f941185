import asyncio
from typing import Any

import aiohttp
import pytest

from ultravox_async import AsyncUltravox
from ultravox_async.testing import Emulator
from ultravox_async.testing._addresses import origin_of, url_of

PAGE = "/api/sip/registrations?pageSize=10"
ALL_ADDRESSES = "0.0.0.0"  # noqa: S104 - what the tests are about


async def links(api: aiohttp.ClientSession, host: str) -> list[str]:
    async with api.get(PAGE, headers={"Host": host}) as response:
        first: dict[str, Any] = await response.json()
    cursor = first["next"].partition("?")[2]
    async with api.get(f"/api/sip/registrations?{cursor}", headers={"Host": host}) as response:
        second: dict[str, Any] = await response.json()
    return [first["next"], second["previous"]]


@pytest.mark.parametrize("host", ["localhost:1234", "mapped.example", "127.0.0.1:1", "[::1]:8787"])
async def test_links_have_the_origin_that_the_request_was_sent_to(api: aiohttp.ClientSession, host: str) -> None:
    prefix = f"http://{host}/api/sip/registrations?"
    assert [link.startswith(prefix) for link in await links(api, host)] == [True, True]


@pytest.mark.parametrize("host", ["", "two words", "a:b", "[::1", "http://a", "a/b"])
async def test_links_have_the_base_url_if_the_host_header_is_malformed(
    emulator: Emulator, api: aiohttp.ClientSession, host: str
) -> None:
    assert [link.startswith(f"{emulator.base_url}/") for link in await links(api, host)] == [True, True]


async def test_links_have_the_base_url_if_there_is_no_host_header(emulator: Emulator) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(emulator.base_url.rpartition(":")[2]))
    writer.write(f"GET {PAGE} HTTP/1.0\r\nX-API-Key: {emulator.api_key}\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert f'"next":"{emulator.base_url}/'.encode() in answer


async def test_a_client_can_page_under_another_name_of_the_machine(emulator: Emulator) -> None:
    base_url = emulator.base_url.replace("127.0.0.1", "localhost")
    async with AsyncUltravox(emulator.api_key, base_url=base_url) as ultravox:
        found = [each.registration_id async for each in ultravox.sip.registrations.list(page_size=10)]
    assert found == emulator.registration_ids


@pytest.mark.parametrize("host", [ALL_ADDRESSES, "::1"])
async def test_a_client_accepts_the_base_url(host: str) -> None:
    async with (
        Emulator(registrations=3, host=host) as emulator,
        AsyncUltravox(emulator.api_key, base_url=emulator.base_url) as ultravox,
    ):
        found = [each.registration_id async for each in ultravox.sip.registrations.list(page_size=2)]
        assert found == emulator.registration_ids


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("192.0.2.1", "http://192.0.2.1:80"),
        ("localhost", "http://localhost:80"),
        (ALL_ADDRESSES, "http://127.0.0.1:80"),
        ("::", "http://[::1]:80"),
        ("::1", "http://[::1]:80"),
        ("2001:db8::1", "http://[2001:db8::1]:80"),
    ],
)
def test_the_url_of_a_host_is_one_that_clients_can_connect_to(host: str, url: str) -> None:
    assert url_of(host, 80) == url


@pytest.mark.parametrize(
    "host", ["localhost", "a.example:8787", "A-b_c.example.", "192.0.2.1:65535", "[2001:db8::1]", "[::1]:80"]
)
def test_an_origin_is_a_scheme_and_a_host(host: str) -> None:
    assert origin_of("https", host) == f"https://{host}"


@pytest.mark.parametrize(
    "host", [None, "", ":80", "a:", "a:65536", "a:-1", "a..b", "...", "a b", "a\nb", "u@a", "[a]", "[1.2.3.4]", "::1"]
)
def test_a_malformed_host_has_no_origin(host: str | None) -> None:
    assert origin_of("http", host) is None
