"""The storage of the emulator: another origin, with presigned URLs."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import suppress

import aiohttp
import pytest

from ultravox_async.testing import CutBody, Delay, DropConnection, Emulator, Respond, Stall

TEN = b"0123456789"


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A client that has no key."""
    async with aiohttp.ClientSession() as session:
        yield session


async def body_of(http: aiohttp.ClientSession, url: str) -> bytes:
    async with http.get(url) as response:
        response.raise_for_status()
        return await response.read()


async def test_the_storage_is_another_origin(emulator: Emulator, http: aiohttp.ClientSession) -> None:
    url = emulator.storage.add("a b/ü.bin", TEN, "text/plain")
    assert url.startswith(f"{emulator.storage.base_url}/a%20b/%C3%BC.bin?signature=")
    assert emulator.storage.base_url != emulator.base_url
    async with http.get(url) as response:
        assert (response.status, response.content_type, await response.read()) == (200, "text/plain", TEN)
    assert emulator.requests == []
    [request] = emulator.storage.requests
    assert (request.method, request.path, request.status) == ("GET", "/a%20b/%C3%BC.bin", 200)
    emulator.clear()
    assert emulator.storage.requests == []


@pytest.mark.parametrize("header", ["x-api-key", "Authorization", "Cookie"])
async def test_credentials_are_refused(emulator: Emulator, http: aiohttp.ClientSession, header: str) -> None:
    async with http.get(emulator.storage.add("a", TEN), headers={header: "secret"}) as response:
        assert (response.status, response.content_type) == (403, "application/xml")
        text = await response.text()
    assert f"has the header {header}".casefold() in text.casefold()
    assert "secret" not in text
    assert header in emulator.storage.requests[0].headers


async def test_a_url_with_another_signature_is_refused(emulator: Emulator, http: aiohttp.ClientSession) -> None:
    url, other = emulator.storage.add("a", TEN), emulator.storage.add("b", TEN)
    for wrong in (url.partition("?")[0], f"{url}0", url.replace("/a?", "/b?"), other.replace("/b?", "/c?")):
        async with http.get(wrong) as response:
            assert (response.status, response.content_type) == (403, "application/xml")
            assert "<Code>AccessDenied</Code>" in await response.text()


async def test_a_url_that_has_expired_is_refused(emulator: Emulator, http: aiohttp.ClientSession) -> None:
    url = emulator.storage.add("a", TEN)
    emulator.storage.expire_urls()
    async with http.get(url) as response:
        assert response.status == 403
    assert await body_of(http, emulator.storage.add("a", TEN)) == TEN


async def test_a_url_is_for_one_method(emulator: Emulator, http: aiohttp.ClientSession) -> None:
    url = emulator.storage.add("a", TEN)
    async with http.put(url, data=b"x") as response:
        assert response.status == 403
    async with http.post(url, data=b"x") as response:
        assert response.status == 405
    assert emulator.storage.file("a").read() == TEN


@pytest.mark.parametrize(
    ("wanted", "content", "content_range"),
    [
        ("bytes=2-4", b"234", "bytes 2-4/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=7-99", b"789", "bytes 7-9/10"),
        ("bytes=-3", b"789", "bytes 7-9/10"),
        ("bytes=-99", TEN, "bytes 0-9/10"),
    ],
)
async def test_a_range_is_served(
    emulator: Emulator, http: aiohttp.ClientSession, wanted: str, content: bytes, content_range: str
) -> None:
    async with http.get(emulator.storage.add("a", TEN), headers={"Range": wanted}) as response:
        assert (response.status, await response.read()) == (206, content)
        assert response.headers["Content-Range"] == content_range


@pytest.mark.parametrize("wanted", ["bytes=4-2", "bytes=-", "bytes=a-b", "bytes=0-1,3-4", "lines=1-2"])
async def test_a_range_that_is_not_understood_is_ignored(
    emulator: Emulator, http: aiohttp.ClientSession, wanted: str
) -> None:
    async with http.get(emulator.storage.add("a", TEN), headers={"Range": wanted}) as response:
        assert (response.status, await response.read()) == (200, TEN)


@pytest.mark.parametrize("wanted", ["bytes=10-", "bytes=99-100", "bytes=-0"])
async def test_a_range_that_a_file_does_not_have_is_refused(
    emulator: Emulator, http: aiohttp.ClientSession, wanted: str
) -> None:
    async with http.get(emulator.storage.add("a", TEN), headers={"Range": wanted}) as response:
        assert (response.status, response.headers["Content-Range"]) == (416, "bytes */10")


async def test_a_range_of_a_file_that_has_changed_is_the_whole_file(
    emulator: Emulator, http: aiohttp.ClientSession
) -> None:
    url = emulator.storage.add("a", TEN)
    etag = emulator.storage.file("a").etag
    headers = {"Range": "bytes=2-", "If-Range": etag}
    async with http.get(url, headers=headers) as response:
        assert (response.status, response.headers["ETag"]) == (206, etag)
    emulator.storage.add("a", b"other")
    async with http.get(url, headers=headers) as response:
        assert (response.status, await response.read()) == (200, b"other")
        assert response.headers["ETag"] == emulator.storage.file("a").etag != etag


async def test_head_tells_of_a_file_without_its_content(emulator: Emulator, http: aiohttp.ClientSession) -> None:
    url = emulator.storage.add("a", 10**9, "audio/wav")
    async with http.head(url) as response:
        assert (response.status, response.content_length, response.content_type) == (200, 10**9, "audio/wav")
        assert response.headers["ETag"] == emulator.storage.file("a").etag
    async with http.head(url, headers={"Range": "bytes=5-9"}) as response:
        assert (response.status, response.content_length) == (206, 5)


async def test_a_large_file_is_calculated_while_it_is_sent(emulator: Emulator, http: aiohttp.ClientSession) -> None:
    url = emulator.storage.add("a", 10_000_001)
    file = emulator.storage.file("a")
    expected, received = hashlib.sha256(), hashlib.sha256()
    for start in range(0, file.size, 777_777):
        expected.update(file.read(start, 777_777))
    async with http.get(url) as response:
        assert response.content_length == 10_000_001
        async for chunk in response.content.iter_any():
            received.update(chunk)
    assert received.digest() == expected.digest()
    async with http.get(url, headers={"Range": "bytes=9000000-9000009"}) as response:
        assert await response.read() == file.read(9_000_000, 10)


async def test_a_file_that_is_added_again_has_other_random_bytes(emulator: Emulator) -> None:
    emulator.storage.add("a", 100)
    before = emulator.storage.file("a").read()
    emulator.storage.add("a", 100)
    assert len(before) == 100
    assert emulator.storage.file("a").read() != before


async def test_a_download_breaks_off_once(emulator: Emulator, http: aiohttp.ClientSession) -> None:
    url = emulator.storage.add("a", 1_000_000)
    emulator.storage.break_off(after=300_000)
    async with http.head(url) as response:
        assert response.status == 200
    received = bytearray()
    async with http.get(url) as response:
        assert response.content_length == 1_000_000
        with pytest.raises(aiohttp.ClientPayloadError):
            await consume(response, received)
    assert received == emulator.storage.file("a").read(0, 300_000)
    async with http.get(url, headers={"Range": "bytes=300000-"}) as response:
        assert received + await response.read() == emulator.storage.file("a").read()


async def test_several_downloads_break_off(emulator: Emulator, http: aiohttp.ClientSession) -> None:
    url = emulator.storage.add("a", 1_000_000)
    rule = emulator.storage.break_off(after=300_000, times=2)
    lengths: list[int] = []
    for _ in range(3):
        received = bytearray()
        async with http.get(url) as response:
            with suppress(aiohttp.ClientPayloadError):
                await consume(response, received)
        lengths.append(len(received))
    assert (lengths, rule.hits) == ([300_000, 300_000, 1_000_000], 2)


async def test_a_download_cannot_break_off_before_its_beginning(emulator: Emulator) -> None:
    with pytest.raises(ValueError, match="0 bytes or more, not -1"):
        emulator.storage.break_off(after=-1)


async def test_a_client_may_leave_in_the_middle_of_a_download(emulator: Emulator, http: aiohttp.ClientSession) -> None:
    url = emulator.storage.add("a", 10**12)
    async with http.get(url) as response:
        assert await response.content.readexactly(5) == emulator.storage.file("a").read(0, 5)
    assert await body_of(http, emulator.storage.add("b", TEN)) == TEN


async def test_a_file_is_uploaded_with_the_media_type_that_was_signed(
    emulator: Emulator, http: aiohttp.ClientSession
) -> None:
    url = emulator.storage.expect("a", "text/plain")
    async with http.put(url, data=TEN, headers={"Content-Type": "text/html"}) as response:
        assert response.status == 403
        assert "SignatureDoesNotMatch" in await response.text()
    with pytest.raises(KeyError, match="a"):
        emulator.storage.file("a")
    async with http.put(url, data=TEN, headers={"Content-Type": "text/plain"}) as response:
        assert (response.status, response.headers["ETag"]) == (200, emulator.storage.file("a").etag)
    assert emulator.storage.requests[-1].body == emulator.storage.file("a").read() == TEN


async def test_an_upload_of_more_than_32_mebibytes_is_refused(emulator: Emulator, http: aiohttp.ClientSession) -> None:
    url = emulator.storage.expect("a", "text/plain")
    headers = {"Content-Type": "text/plain", "Content-Length": str(32 * 1024**2 + 1)}

    async def too_much() -> AsyncIterator[bytes]:
        for _ in range(32):
            yield bytes(1024**2)
        yield b"x"

    async with http.put(url, data=too_much(), headers=headers) as response:
        assert response.status == 400
        assert "EntityTooLarge" in await response.text()


async def test_a_file_that_was_removed_is_not_found(emulator: Emulator, http: aiohttp.ClientSession) -> None:
    url = emulator.storage.add("a", TEN)
    emulator.storage.remove("a")
    async with http.get(url) as response:
        assert response.status == 404
        assert "NoSuchKey" in await response.text()
    with pytest.raises(KeyError, match="a"):
        emulator.storage.remove("a")


async def test_the_storage_starts_and_stops_with_its_emulator(http: aiohttp.ClientSession) -> None:
    emulator = Emulator(registrations=0)
    with pytest.raises(RuntimeError, match="the storage has no address before it is started"):
        _ = emulator.storage.base_url
    async with emulator:
        url = emulator.storage.add("a", TEN)
    with pytest.raises(aiohttp.ClientConnectorError):
        await http.get(url)
    async with emulator:
        assert await body_of(http, url) == TEN


async def test_an_emulator_whose_storage_cannot_listen_does_not_listen_either(http: aiohttp.ClientSession) -> None:
    emulator = Emulator(registrations=0)
    async with Emulator(registrations=0) as other:
        emulator.storage.server.port = other.storage.server.port
        with pytest.raises(OSError, match="address already in use"):
            await emulator.start()
    with pytest.raises(aiohttp.ClientConnectorError):
        await http.get(emulator.base_url)
    async with emulator, http.get(emulator.base_url) as response:
        assert response.status == 401


async def test_a_stop_ends_a_download(http: aiohttp.ClientSession) -> None:
    async with Emulator(registrations=0) as emulator, http.get(emulator.storage.add("a", 10**12)) as response:
        await response.content.readany()
        await emulator.stop()
        with pytest.raises(aiohttp.ClientError):
            await asyncio.wait_for(consume(response, bytearray()), 30)


async def consume(response: aiohttp.ClientResponse, received: bytearray) -> None:
    async for chunk in response.content.iter_any():
        received += chunk


async def test_the_storage_of_each_seed_has_its_own_signatures() -> None:
    async with Emulator(registrations=0) as one, Emulator(registrations=0, seed=1) as other:
        urls = [emulator.storage.add("a", TEN).partition("?")[2] for emulator in (one, other)]
    assert urls[0] != urls[1]


async def test_an_upload_can_be_made_to_fail(emulator: Emulator, http: aiohttp.ClientSession) -> None:
    url = emulator.storage.expect("a", "text/plain")
    rule = emulator.storage.inject(Respond(503, {"Retry-After": "1"}, b"busy"), times=1, method="PUT", path="/a")
    statuses: list[int] = []
    for _ in range(2):
        async with http.put(url, data=TEN, headers={"Content-Type": "text/plain"}) as response:
            statuses.append(response.status)
    assert (statuses, rule.hits) == ([503, 200], 1)
    assert emulator.storage.counts == {503: 1, 200: 1}
    assert emulator.storage.file("a").read() == TEN
    emulator.clear()
    assert emulator.storage.counts == {}


async def test_an_upload_that_waits_with_its_body_is_told_to_send_it(
    emulator: Emulator, http: aiohttp.ClientSession
) -> None:
    url = emulator.storage.expect("a", "text/plain")
    # With expect100, aiohttp's client sends nothing of the body before it is told to.
    async with http.put(url, data=TEN, headers={"Content-Type": "text/plain"}, expect100=True) as response:
        assert response.status == 200
    assert emulator.storage.file("a").read() == TEN


async def test_a_fault_of_the_api_does_not_happen_to_the_storage(
    emulator: Emulator, http: aiohttp.ClientSession
) -> None:
    rule = emulator.inject(Respond(503))
    assert await body_of(http, emulator.storage.add("a", TEN)) == TEN
    assert rule.hits == 0


async def test_a_fault_of_the_storage_does_not_happen_to_the_api(
    emulator: Emulator, api: aiohttp.ClientSession
) -> None:
    rule = emulator.storage.inject(DropConnection())
    async with api.get("/api/sip") as response:
        assert (response.status, rule.hits) == (200, 0)


async def test_faults_of_the_storage_can_be_cleared(emulator: Emulator, http: aiohttp.ClientSession) -> None:
    url = emulator.storage.add("a", TEN)
    emulator.storage.inject(DropConnection())
    emulator.storage.break_off(after=1)
    emulator.storage.clear_faults()
    assert await body_of(http, url) == TEN


async def test_a_url_that_is_refused_meets_no_fault(emulator: Emulator, http: aiohttp.ClientSession) -> None:
    url = emulator.storage.add("a", TEN)
    rule = emulator.storage.inject(Respond(200))
    async with http.get(f"{url}0") as response:
        assert (response.status, rule.hits) == (403, 0)


async def test_a_delayed_download_is_complete(emulator: Emulator, http: aiohttp.ClientSession) -> None:
    emulator.storage.inject(Delay(0.0), times=1)
    assert await body_of(http, emulator.storage.add("a", TEN)) == TEN


async def test_a_range_can_be_cut(emulator: Emulator, http: aiohttp.ClientSession) -> None:
    url = emulator.storage.add("a", TEN)
    emulator.storage.inject(CutBody(2), times=1)
    received = bytearray()
    async with http.get(url, headers={"Range": "bytes=4-8"}) as response:
        assert (response.status, response.content_length) == (206, 5)
        with pytest.raises(aiohttp.ClientPayloadError):
            await consume(response, received)
    assert received == b"45"


async def test_half_of_a_stalled_download_is_sent_however_large_it_is(
    emulator: Emulator, http: aiohttp.ClientSession
) -> None:
    emulator.storage.inject(Stall())
    async with http.get(emulator.storage.add("a", TEN)) as response:
        assert await response.content.readexactly(5) == b"01234"
        assert not response.content.at_eof()
    async with http.get(emulator.storage.add("b", 10**12)) as response:
        assert await response.content.readexactly(5) == emulator.storage.file("b").read(0, 5)


async def test_the_same_seed_makes_the_same_downloads_fail(http: aiohttp.ClientSession) -> None:
    outcomes: list[list[int]] = []
    for _ in range(2):
        async with Emulator(registrations=0, seed=3) as emulator:
            url = emulator.storage.add("a", TEN)
            emulator.storage.inject(Respond(503), probability=0.5)
            outcomes.append([(await http.get(url)).status for _ in range(20)])
    assert outcomes[0] == outcomes[1]
    assert set(outcomes[0]) == {200, 503}
