import asyncio
import contextlib
import gzip
import os
import socket
from collections.abc import AsyncGenerator
from pathlib import Path

import aiohttp
import attrs
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from tests.conftest import Clock
from tests.wire import HANG_UP, KEY, WAIT, Received, Say, Script, Wire, answer, client_of, in_turn, shown
from ultravox_async import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AsyncUltravox,
    BadRequestError,
    ClientClosedError,
    Download,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    RedirectError,
    RetryPolicy,
    ServerError,
    Timeout,
    TooEarlyError,
    UltravoxError,
)
from ultravox_async.types.shared.voices import ExternalVoice

CALL = "9b2f6e2a-4c1d-4f6e-9a57-0f4a1c2d3e4f"
SECRET = "signature-canary-93a25c6"
CONTENT = bytes(range(256)) * 8
ETAG = {"ETag": '"v1"'}


def whole(content: bytes = CONTENT, /, **headers: str) -> Say:
    return answer(body=content, headers={"Content-Type": "audio/wav", **headers})


def beginning(length: int, content: bytes = CONTENT, /, **headers: str) -> Say:
    """Announce the whole content, send the first bytes of it, and hang up."""
    said = whole(content, **headers)
    return Say(said.data[: len(said.data) - len(content) + length], then="hang up")


def rest(start: int, **headers: str) -> Say:
    place = {"Content-Range": f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}", **headers}
    return answer(206, body=CONTENT[start:], headers={"Content-Type": "audio/wav", **ETAG, **place})


async def ranges(request: Received) -> Say:
    """Break off the first response, and send the rest of the content, from wherever it is asked for."""
    asked = request.headers.get("range")
    if asked is None:
        return beginning(1000, **ETAG)
    return rest(int(asked.removeprefix("bytes=").removesuffix("-")))


def redirect(location: str, status: int = 302) -> Say:
    return answer(status, body=b"", headers={"Location": location})


@attrs.frozen
class World:
    """An API that redirects to storage on another origin."""

    api: Wire
    storage: Wire
    ultravox: AsyncUltravox

    @property
    def recording(self) -> Download:
        return self.ultravox.calls.recording(CALL)


@contextlib.asynccontextmanager
async def world(*said: Say, redirects: Script | None = None, **settings: object) -> AsyncGenerator[World, None]:
    """Give a client whose downloads are redirected to storage, which sends these responses, or those of `ranges`."""
    async with Wire(in_turn(*said) if said else ranges) as storage:
        to_storage = in_turn(redirect(f"{storage.base_url}/recordings/one%2Ftwo.wav?signature={SECRET}&plus=a+b"))
        async with Wire(redirects or to_storage) as api, client_of(api.base_url, **settings) as ultravox:
            yield World(api, storage, ultravox)


async def test_a_download_that_the_api_redirects_is_fetched_from_storage() -> None:
    async with world(whole()) as here:
        async with here.recording as download:
            assert (download.status, download.content_type) == (200, "audio/wav")
            assert download.content_length == len(CONTENT)
            assert b"".join([piece async for piece in download]) == CONTENT
        assert [request.target for request in here.api.received] == [f"/api/calls/{CALL}/recording"]


async def test_storage_is_asked_for_the_address_exactly_as_it_was_given() -> None:
    async with world(whole()) as here:
        async with here.recording as download:
            await download.read()
        assert [request.target for request in here.storage.received] == [
            f"/recordings/one%2Ftwo.wav?signature={SECRET}&plus=a+b"
        ]


async def test_storage_never_gets_the_key() -> None:
    async with world(whole()) as here:
        async with here.recording as download:
            await download.read()
        assert here.api.received[0].headers["x-api-key"] == KEY
        assert here.storage.received[0].headers.keys() == {"host", "accept", "accept-encoding", "user-agent"}


async def test_storage_gets_no_default_header_of_a_session_of_the_caller() -> None:
    headers = {"Authorization": "Bearer of-the-caller", "X-API-Key": KEY}
    async with aiohttp.ClientSession(headers=headers) as session, world(whole(), session=session) as here:
        async with here.recording as download:
            assert await download.read() == CONTENT
        assert here.storage.received[0].headers.keys() == {"host", "accept", "accept-encoding", "user-agent"}


async def test_storage_gets_no_credentials_of_a_netrc_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login alice password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    async with world(whole(), trust_env=True) as here:
        async with here.recording as download:
            await download.read()
        assert "authorization" not in here.storage.received[0].headers


async def test_a_download_that_the_api_sends_itself_needs_no_storage() -> None:
    async with world(whole(), redirects=in_turn(whole())) as here:
        async with here.recording as download:
            assert await download.read() == CONTENT
        assert here.storage.received == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_each_kind_of_redirect_is_followed(status: int) -> None:
    async with world(redirect("/there", status), whole()) as here, here.recording as download:
        assert await download.read() == CONTENT


async def test_a_relative_redirect_of_storage_stays_in_storage() -> None:
    async with world(redirect("../moved?x=%2F"), whole()) as here:
        async with here.recording as download:
            assert await download.read() == CONTENT
        assert [request.target for request in here.storage.received][1] == "/moved?x=%2F"
        assert len(here.api.received) == 1


async def test_three_redirects_are_followed() -> None:
    async with world(redirect("/second"), redirect("/third"), whole()) as here, here.recording as download:
        assert await download.read() == CONTENT


async def test_a_fourth_redirect_is_an_error() -> None:
    async with world(redirect("/again")) as here:
        with pytest.raises(RedirectError, match="not followed to /again"):
            await here.recording.__aenter__()
        assert len(here.storage.received) == 3


async def test_without_a_loopback_base_url_only_https_is_followed() -> None:
    async with Wire(in_turn(whole())) as storage:
        redirects = in_turn(redirect(f"{storage.base_url}/there"))
        async with Wire(redirects) as api:
            # A name that resolves to the server here, and is not one of a loopback address.
            connector = aiohttp.TCPConnector(resolver=_EverythingIsHere())
            async with aiohttp.ClientSession(connector=connector) as session:
                base_url = api.base_url.replace("127.0.0.1", "api.example.com")
                async with client_of(base_url, session=session, allow_http=True) as ultravox:
                    with pytest.raises(RedirectError, match="not followed to http://127"):
                        await ultravox.calls.recording(CALL).__aenter__()
        assert storage.received == []


class _EverythingIsHere(AbstractResolver):
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        here = "127.0.0.1"
        return [{"hostname": host, "host": here, "port": port, "family": family, "proto": 0, "flags": 0}]

    async def close(self) -> None:
        pass


@pytest.mark.parametrize(
    "location",
    [
        "",
        "ftp://127.0.0.1/x",
        "http://alice:secret@127.0.0.1/x",
        "http://[::1",
        "http://127.0.0.1:99999/",
        "/a b",
        "/ä",
    ],
)
async def test_an_address_that_cannot_be_used_is_an_error(location: str) -> None:
    async with world(whole(), redirects=in_turn(redirect(location))) as here:
        with pytest.raises(RedirectError) as caught:
            await here.recording.__aenter__()
    assert "secret" not in str(caught.value)


async def test_the_url_is_given_without_fetching_it() -> None:
    async with world(whole()) as here:
        url = await here.recording.url()
        assert url == f"{here.storage.base_url}/recordings/one%2Ftwo.wav?signature={SECRET}&plus=a+b"
        assert here.storage.received == []


async def test_an_address_that_is_not_https_is_not_given_away_as_the_url() -> None:
    async with world(whole(), redirects=in_turn(redirect("ftp://127.0.0.1/x"))) as here:
        with pytest.raises(RedirectError, match="not followed to ftp"):
            await here.recording.url()


async def test_there_is_no_url_if_the_api_sends_the_content_itself() -> None:
    async with world(whole(), redirects=in_turn(whole())) as here:
        with pytest.raises(UltravoxError, match="the API sent the content itself, and not its address"):
            await here.recording.url()


@pytest.mark.parametrize(("status", "error"), [(404, NotFoundError), (425, TooEarlyError)])
async def test_sip_logs_that_are_not_there_are_an_error_of_their_own(status: int, error: type[APIStatusError]) -> None:
    async with world(redirects=in_turn(answer(status, {"detail": "no logs"}))) as here:
        with pytest.raises(error, match="no logs"):
            await here.ultravox.calls.sip_logs(CALL).url()


async def test_an_error_of_storage_names_its_address_without_the_query() -> None:
    refusal = answer(403, body=b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>")
    async with world(refusal) as here:
        with pytest.raises(PermissionDeniedError) as caught:
            await here.recording.__aenter__()
        assert f"GET {here.storage.base_url}/recordings/one%2Ftwo.wav" in str(caught.value)
    assert SECRET not in shown(caught.value)


@pytest.mark.parametrize("said", [HANG_UP, answer(403, body=SECRET.encode()), answer(500, body=SECRET.encode())])
async def test_no_error_of_storage_shows_the_address_or_the_key(said: Say) -> None:
    async with world(said, retry=RetryPolicy(max_attempts=1)) as here:
        with pytest.raises(UltravoxError) as caught:
            await here.recording.__aenter__()
    assert SECRET not in shown(caught.value)
    assert KEY not in shown(caught.value)


async def test_a_lost_connection_in_the_middle_shows_neither_the_address_nor_the_key() -> None:
    async with world(beginning(100)) as here:
        with pytest.raises(APIConnectionError) as caught:
            async with here.recording as download:
                await download.read()
    assert SECRET not in shown(caught.value)
    assert KEY not in shown(caught.value)


async def test_no_object_of_a_download_shows_the_address_or_the_key() -> None:
    async with world(whole()) as here, here.recording as download:
        texts = [repr(download), repr(vars(download)), repr(here.recording), repr(vars(here.recording))]
        assert [text for text in texts if SECRET in text or KEY in text] == []


async def test_a_failure_of_storage_is_retried() -> None:
    async with world(HANG_UP, answer(503, body=b"SlowDown"), whole()) as here:
        async with here.recording as download:
            assert await download.read() == CONTENT
        assert len(here.api.received) == 1


async def test_a_failure_of_storage_is_no_outage_of_the_api() -> None:
    async with world(answer(500, body=b"")) as here:
        with pytest.raises(ServerError):
            await here.recording.__aenter__()
        assert here.ultravox.stats.outages == 0


async def test_after_a_lost_connection_the_rest_is_requested() -> None:
    async with world() as here:
        async with here.recording as download:
            received = len(await anext(download))
            assert received + len(await download.read()) == len(CONTENT)
        second = here.storage.received[1].headers
        assert (second["range"], second["if-range"]) == (f"bytes={received}-", '"v1"')


async def test_what_arrived_before_the_connection_was_lost_is_not_requested_again() -> None:
    async with world() as here, here.recording as download:
        await here.storage.until_closed(1)  # nobody reads meanwhile
        for _ in range(20):
            await asyncio.sleep(0)
        assert await download.read() == CONTENT
        assert here.storage.received[1].headers["range"] == "bytes=1000-"


async def test_a_download_that_is_resumed_is_the_whole_content() -> None:
    async with world() as here, here.recording as download:
        assert await download.read() == CONTENT


async def test_the_rest_is_requested_from_the_api_again_because_addresses_expire() -> None:
    async with world() as here:
        async with here.recording as download:
            await download.read()
        assert len(here.api.received) == 2


async def test_a_download_is_resumed_as_often_as_it_makes_progress() -> None:
    async def breaks_off_after_200_bytes(request: Received) -> Say:
        start = int(request.headers.get("range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        said = rest(start) if start else whole(**ETAG)
        unsent = max(0, len(CONTENT) - start - 200)
        return Say(said.data[: len(said.data) - unsent], then="hang up")

    async with Wire(breaks_off_after_200_bytes) as api, client_of(api.base_url) as ultravox:
        async with ultravox.calls.recording(CALL) as download:
            content = b""
            async for piece in download:
                content += piece
        assert content == CONTENT
        assert len(api.received) > RetryPolicy().max_attempts


async def test_a_download_is_given_up_if_it_makes_no_progress() -> None:
    async def nothing(request: Received) -> Say:
        said = await ranges(request)
        return Say(said.data.partition(b"\r\n\r\n")[0] + b"\r\n\r\n", then="hang up")

    async with Wire(nothing) as api, client_of(api.base_url) as ultravox:
        with pytest.raises(APIConnectionError):
            async with ultravox.calls.recording(CALL) as download:
                await download.read()
        assert len(api.received) == RetryPolicy().max_attempts


@pytest.mark.parametrize(
    "headers", [{}, {"ETag": 'W/"weak"'}, {**ETAG, "Accept-Ranges": "none"}, {**ETAG, "Content-Encoding": "gzip"}]
)
async def test_a_content_whose_rest_cannot_be_requested_is_not_resumed(headers: dict[str, str]) -> None:
    async with world(beginning(1000, **headers)) as here:
        with pytest.raises(APIConnectionError):
            async with here.recording as download:
                await download.read()
        assert len(here.storage.received) == 1


def part(content_range: str, body: bytes = CONTENT[1000:], etag: str = '"v1"') -> Say:
    return answer(206, body=body, headers={"Content-Range": content_range, "ETag": etag})


OTHERS = {
    "the whole content": whole(**ETAG),
    "a rest from another place": rest(900),
    "a rest of no known place": answer(206, body=b"no range", headers=ETAG),
    "a rest of another version": part("bytes 1000-2047/2048", etag='"v2"'),
    "a rest without a version": answer(206, body=CONTENT[1000:], headers={"Content-Range": "bytes 1000-2047/2048"}),
    "a rest of a longer content": part("bytes 1000-2047/9999"),
    "several parts": answer(206, body=b"--x", headers={"Content-Type": "multipart/byteranges; boundary=x", **ETAG}),
    "a compressed rest": answer(
        206, body=b"", headers={"Content-Range": "bytes 1000-2047/2048", "Content-Encoding": "gzip", **ETAG}
    ),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS.keys())
async def test_another_content_is_never_taken_for_the_rest(other: Say) -> None:
    async with world(beginning(1000, **ETAG), other) as here:
        with pytest.raises(APIConnectionError, match="did not send the rest of the same content"):
            async with here.recording as download:
                await download.read()


async def test_a_rest_that_is_cut_short_is_followed_by_another_one() -> None:
    async def in_pieces_of_500(request: Received) -> Say:
        start = int(request.headers.get("range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        if not start:
            return beginning(1000, **ETAG)
        end = min(start + 500, len(CONTENT))
        return part(f"bytes {start}-{end - 1}/{len(CONTENT)}", CONTENT[start:end])

    async with Wire(in_pieces_of_500) as api, client_of(api.base_url) as ultravox:
        assert await content_of(ultravox.calls.recording(CALL)) == CONTENT
    assert len(api.received) == 4


async def test_a_rest_that_ends_too_early_again_and_again_is_an_error(tmp_path: Path) -> None:
    empty = part(f"bytes 1000-{len(CONTENT) - 1}/{len(CONTENT)}", b"")
    async with world(beginning(1000, **ETAG), empty) as here:
        with pytest.raises(APIConnectionError, match="the content ended after 1000 of 2048 bytes"):
            await here.recording.save(tmp_path / "call.wav")
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("leave", ["the context", "the stream"])
async def test_a_download_that_another_task_ends_is_not_resumed_and_gives_its_place_back(leave: str) -> None:
    stalled = attrs.evolve(beginning(1000, **ETAG), then="wait")
    async with world(stalled, stalled, whole(), pool_size=4) as here:
        for _ in range(2):
            recording = here.recording
            stream = await recording.__aenter__()
            assert len(await anext(stream)) == 1000
            waiting = asyncio.ensure_future(anext(stream))
            await asyncio.sleep(0)
            if leave == "the stream":
                stream.close()
            await recording.__aexit__(None, None, None)
            with pytest.raises(UltravoxError, match="this response is closed"):
                await waiting
        assert len(here.storage.received) == 2
        async with here.recording as first, here.recording as second:
            assert await first.read() == await second.read() == CONTENT


async def test_two_tasks_cannot_read_one_download() -> None:
    stalled = attrs.evolve(beginning(1000, **ETAG), then="wait")
    async with world(stalled) as here, here.recording as download:
        await anext(download)
        waiting = asyncio.ensure_future(anext(download))
        await asyncio.sleep(0)
        with pytest.raises(UltravoxError, match="another task waits for the next piece"):
            await anext(download)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert len(here.storage.received) == 1


async def test_a_download_that_is_ended_while_its_rest_is_requested_gives_its_place_back() -> None:
    asked = asyncio.Event()
    answered = asyncio.Event()

    async def script(request: Received) -> Say:
        if "range" not in request.headers:
            return beginning(1000, **ETAG)
        asked.set()
        await answered.wait()
        return rest(1000)

    async with Wire(script) as api, client_of(api.base_url, pool_size=2) as ultravox:
        stream = await ultravox.calls.recording(CALL).open()
        reading = asyncio.create_task(stream.read())
        await asked.wait()
        stream.close()
        answered.set()
        with pytest.raises(UltravoxError):
            await reading
        assert ultravox.calls
        async with ultravox.calls.recording(CALL) as download:
            assert await download.read() == CONTENT


async def test_a_content_is_longer_than_the_limit_for_responses() -> None:
    async with world(whole(), max_response_bytes=100) as here, here.recording as download:
        assert await download.read() == CONTENT


async def test_a_compressed_content_is_decompressed_and_has_no_known_length() -> None:
    compressed = whole(gzip.compress(CONTENT), **{"Content-Encoding": "gzip"})
    async with world(compressed) as here, here.recording as download:
        assert download.content_length is None
        assert await download.read() == CONTENT


async def test_a_content_without_a_length_or_a_type_is_downloaded() -> None:
    bare = Say(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + CONTENT, then="hang up")
    async with world(bare) as here, here.recording as download:
        assert (download.content_length, download.content_type) == (None, None)
        assert await download.read() == CONTENT


async def test_the_total_timeout_ends_at_the_headers(clock: Clock) -> None:
    async with world(whole(), timeout=Timeout(total=10.0)) as here, here.recording as download:
        clock.advance(100.0)
        assert await download.read() == CONTENT


async def test_the_total_timeout_holds_until_the_headers(clock: Clock) -> None:
    assert clock
    async with world(WAIT, timeout=Timeout(total=5.0), retry=RetryPolicy(max_attempts=1)) as here:
        with pytest.raises(APITimeoutError, match=r"Timeout\.total"):
            await here.recording.__aenter__()


async def test_the_read_timeout_holds_for_each_piece(clock: Clock) -> None:
    assert clock
    stalled = attrs.evolve(beginning(100), then="wait")
    async with world(stalled, timeout=Timeout(read=5.0)) as here, here.recording as download:
        assert len(await anext(download)) == 100
        with pytest.raises(APITimeoutError, match=r"Timeout\.read"):
            await anext(download)


async def test_a_slow_reader_has_no_timeout(clock: Clock) -> None:
    async with world(whole(b"x" * 2_000_000), timeout=Timeout(read=5.0)) as here:
        size = 0
        async with here.recording as download:
            async for piece in download:
                clock.advance(60.0)
                size += len(piece)
        assert size == 2_000_000


async def test_leaving_early_closes_the_connection() -> None:
    async with world(whole(b"x" * 2_000_000), whole(b"second")) as here:
        async with here.recording as download:
            await anext(download)
        async with here.recording as download:
            assert await download.read() == b"second"
        assert [request.connection for request in here.storage.received] == [1, 2]


async def test_a_connection_to_storage_is_used_again_after_a_whole_content() -> None:
    async with world(whole()) as here:
        for _ in range(2):
            async with here.recording as download:
                await download.read()
        assert [request.connection for request in here.storage.received] == [1, 1]


async def test_iterating_after_the_end_of_the_context_is_an_error() -> None:
    async with world(whole(**ETAG)) as here:
        async with here.recording as download:
            pass
        with pytest.raises(UltravoxError, match="this response is closed"):
            await download.read()
        assert len(here.storage.received) == 1


async def test_a_download_that_is_in_use_cannot_be_entered_again() -> None:
    async with world(whole()) as here:
        recording = here.recording
        async with recording:
            with pytest.raises(UltravoxError, match="is in use"):
                await recording.__aenter__()


async def test_leaving_a_download_that_was_not_entered_does_nothing() -> None:
    async with world(whole()) as here:
        await here.recording.__aexit__(None, None, None)
        assert here.api.received == []


async def test_a_download_can_be_used_again_when_it_is_over() -> None:
    async with world(whole()) as here:
        recording = here.recording
        for _ in range(2):
            async with recording as download:
                assert await download.read() == CONTENT


async def test_a_stream_that_was_opened_without_a_context_is_closed_by_its_own() -> None:
    async with world(whole(), pool_size=2) as here:
        for _ in range(3):
            stream = await here.recording.open()
            async with stream:
                assert await stream.read() == CONTENT
            stream.close()


async def test_a_closed_client_downloads_nothing() -> None:
    async with world(whole()) as here:
        await here.ultravox.close()
        with pytest.raises(ClientClosedError):
            await here.recording.__aenter__()


async def waits_for_storage(here: World, download: Download) -> "asyncio.Task[bytes]":
    async def run() -> bytes:
        async with download as stream:
            return await stream.read()

    task = asyncio.create_task(run())
    await here.storage.until_received(1)
    return task


@pytest.mark.parametrize("said", [WAIT, attrs.evolve(beginning(100, **ETAG), then="wait")])
async def test_a_close_ends_a_download_that_waits_for_storage(said: Say) -> None:
    async with world(said) as here:
        task = await waits_for_storage(here, here.recording)
        await here.ultravox.close()
        with pytest.raises(ClientClosedError):
            await task


@pytest.mark.parametrize("borrowed", [False, True])
@pytest.mark.parametrize("said", [WAIT, attrs.evolve(beginning(100), then="wait")])
async def test_a_close_ends_a_download_from_the_api_itself(said: Say, *, borrowed: bool) -> None:
    async with contextlib.AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession()) if borrowed else None
        here = await stack.enter_async_context(world(whole(), redirects=in_turn(said), session=session))

        async def run() -> bytes:
            async with here.recording as stream:
                return await stream.read()

        task = asyncio.create_task(run())
        await here.api.until_received(1)
        await here.ultravox.close()
        with pytest.raises(ClientClosedError):
            await task


@pytest.mark.parametrize("borrowed", [False, True])
async def test_after_a_close_a_download_that_is_open_gives_nothing_more(*, borrowed: bool) -> None:
    async with contextlib.AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession()) if borrowed else None
        redirects = in_turn(whole(b"x" * 2_000_000, **ETAG))
        here = await stack.enter_async_context(world(whole(), redirects=redirects, session=session))
        async with here.recording as download:
            await anext(download)
            await here.ultravox.close()
            with pytest.raises(ClientClosedError):
                await download.read()


async def test_downloads_take_half_of_the_places_of_the_pool_at_most() -> None:
    slow = attrs.evolve(beginning(100), then="wait")
    async with world(slow, pool_size=4) as here, here.recording, here.recording:
        third = asyncio.create_task(here.recording.__aenter__())
        await here.api.until_received(2)
        for _ in range(20):
            await asyncio.sleep(0)
        assert not third.done()
        assert len(here.api.received) == 2
        third.cancel()
        with pytest.raises(asyncio.CancelledError):
            await third


async def test_while_downloads_take_their_places_other_requests_are_sent() -> None:
    async def script(request: Received) -> Say:
        return attrs.evolve(beginning(100), then="wait") if "recording" in request.target else answer(200, [])

    async with world(whole(), redirects=script, pool_size=2) as here, here.recording:
        assert (await here.ultravox.request("GET", "/api/accounts")).json() == []


async def test_the_place_of_a_download_is_given_back() -> None:
    async with world(whole(), pool_size=2) as here:
        for _ in range(5):
            async with here.recording as download:
                await download.read()
        assert len(here.api.received) == 5


@pytest.mark.parametrize("said", [answer(404, {"detail": "gone"}), HANG_UP])
async def test_the_place_of_a_download_that_fails_is_given_back(said: Say) -> None:
    async with world(whole(), redirects=in_turn(said), pool_size=2, retry=RetryPolicy(max_attempts=1)) as here:
        for _ in range(5):
            with pytest.raises(UltravoxError):
                await here.recording.__aenter__()


async def test_a_close_ends_a_download_that_waits_for_its_place() -> None:
    slow = attrs.evolve(beginning(100), then="wait")
    async with world(slow, pool_size=2) as here, here.recording:
        second = asyncio.create_task(here.recording.__aenter__())
        for _ in range(20):
            await asyncio.sleep(0)
        await here.ultravox.close()
        with pytest.raises(ClientClosedError):
            await second


@pytest.mark.parametrize("turns", range(0, 40, 3))
async def test_cancelling_a_download_at_any_moment_leaves_nothing_behind(turns: int, tmp_path: Path) -> None:
    async with world(whole(b"x" * 300_000), pool_size=2) as here:
        task = asyncio.create_task(here.recording.save(tmp_path / "call.wav"))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        assert set(names_in(tmp_path)) <= {"call.wav"}
        # The place is free again.
        async with here.recording as download:
            assert len(await download.read()) == 300_000


async def test_a_download_is_saved(tmp_path: Path) -> None:
    async with world(whole(b"x" * 3_000_000)) as here:
        assert await here.recording.save(tmp_path / "call.wav") == 3_000_000
    assert (tmp_path / "call.wav").read_bytes() == b"x" * 3_000_000


async def test_a_saved_download_replaces_a_file(tmp_path: Path) -> None:
    (tmp_path / "call.wav").write_text("old")
    async with world(whole()) as here:
        await here.recording.save(str(tmp_path / "call.wav"))
    assert (tmp_path / "call.wav").read_bytes() == CONTENT


async def test_a_link_is_kept_and_the_file_that_it_leads_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder" / "call.wav")
    for _ in range(2):  # the first time, the file does not exist
        async with world(whole()) as here:
            await here.recording.save(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "folder" / "call.wav").read_bytes() == CONTENT
    assert names_in(tmp_path) == ["folder", "folder/call.wav", "link"]


async def test_a_saved_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    async with world(whole()) as here:
        await here.recording.save(tmp_path / "call.wav")
    assert (tmp_path / "call.wav").stat().st_mode == (tmp_path / "usual").stat().st_mode


async def test_a_download_that_breaks_off_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "call.wav").write_text("old")
    async with world(beginning(1000)) as here:
        with pytest.raises(APIConnectionError):
            await here.recording.save(tmp_path / "call.wav")
    assert names_in(tmp_path) == ["call.wav"]
    assert (tmp_path / "call.wav").read_text() == "old"


async def test_a_download_that_is_resumed_is_saved_as_a_whole(tmp_path: Path) -> None:
    async with world() as here:
        assert await here.recording.save(tmp_path / "call.wav") == len(CONTENT)
    assert (tmp_path / "call.wav").read_bytes() == CONTENT


def names_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


async def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    async with world(whole()) as here:
        with pytest.raises(FileNotFoundError, match=r"missing/call\.wav"):
            await here.recording.save(tmp_path / "missing" / "call.wav")
    assert names_in(tmp_path) == []


async def test_a_folder_is_never_replaced_by_a_file(tmp_path: Path) -> None:
    (tmp_path / "call.wav").mkdir()
    async with world(whole()) as here:
        with pytest.raises(IsADirectoryError, match=r"call\.wav"):
            await here.recording.save(tmp_path / "call.wav")
    assert names_in(tmp_path) == ["call.wav"]


async def test_a_device_or_a_pipe_is_never_replaced_by_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    async with world(whole()) as here:
        with pytest.raises(OSError, match="pipe"):
            await here.recording.save(tmp_path / "pipe")
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize("path", ["", ".", "/"])
async def test_a_path_that_names_no_file_is_an_error(path: str) -> None:
    async with world(whole()) as here:
        with pytest.raises(IsADirectoryError):
            await here.recording.save(path)


async def test_a_file_that_somebody_deletes_meanwhile_is_an_error_and_not_a_part_of_the_content(tmp_path: Path) -> None:
    async with world(whole(b"x" * 5_000_000)) as here:
        stream = await here.recording.open()
        saving = asyncio.create_task(stream.save(tmp_path / "call.wav"))
        while not names_in(tmp_path):  # noqa: ASYNC110 - another thread creates it
            await asyncio.sleep(0)
        for name in names_in(tmp_path):
            (tmp_path / name).unlink()
        with pytest.raises(FileNotFoundError):
            await saving
        stream.close()
    assert names_in(tmp_path) == []


async def test_a_download_has_the_timeouts_and_retries_of_a_view() -> None:
    async with world(answer(503, body=b""), retry=RetryPolicy(max_attempts=3, base_delay=0.001)) as here:
        once = here.ultravox.with_options(retry=RetryPolicy(max_attempts=1))
        with pytest.raises(ServerError):
            await once.calls.recording(CALL).__aenter__()
        assert len(here.storage.received) == 1


async def content_of(download: Download) -> bytes:
    async with download as stream:
        return await stream.read()


async def test_a_voice_that_does_not_exist_yet_speaks() -> None:
    async with Wire(in_turn(whole())) as api, client_of(api.base_url) as ultravox:
        download = ultravox.voices.preview(name="Lily", definition=ExternalVoice.lmnt(voice_id="lily"))
        assert await content_of(download) == CONTENT
    request = api.received[0]
    assert (request.method, request.target) == ("POST", "/api/voice_preview")
    assert request.body == b'{"name":"Lily","definition":{"lmnt":{"voiceId":"lily"}}}'


async def test_what_a_provider_says_of_a_voice_is_in_the_error() -> None:
    async with Wire(in_turn(answer(400, {"detail": "no such voice"}))) as api, client_of(api.base_url) as ultravox:
        with pytest.raises(BadRequestError, match="no such voice"):
            await ultravox.voices.preview(name="Lily", definition=ExternalVoice.lmnt(voice_id="?")).__aenter__()


async def test_a_redirect_of_a_post_is_followed_with_a_get() -> None:
    async with Wire(in_turn(redirect("/there", 303), whole())) as api, client_of(api.base_url) as ultravox:
        download = ultravox.voices.preview(name="Lily", definition=ExternalVoice.lmnt(voice_id="lily"))
        assert await content_of(download) == CONTENT
    assert (api.received[1].method, api.received[1].body) == ("GET", b"")


async def test_a_redirect_that_would_send_a_body_elsewhere_is_not_followed() -> None:
    async with Wire(in_turn(redirect("/there", 307), whole())) as api, client_of(api.base_url) as ultravox:
        with pytest.raises(RedirectError):
            await ultravox.voices.preview(name="Lily", definition=ExternalVoice.lmnt(voice_id="lily")).__aenter__()
    assert len(api.received) == 1


async def test_each_download_has_its_path() -> None:
    async with Wire(in_turn(whole())) as api, client_of(api.base_url) as ultravox:
        for download in (
            ultravox.calls.recording(CALL),
            ultravox.calls.sip_logs(CALL),
            ultravox.calls.stages.audio(CALL, "stage", 3),
            ultravox.voices.sample("voice"),
        ):
            await content_of(download)
    assert [request.target for request in api.received] == [
        f"/api/calls/{CALL}/recording",
        f"/api/calls/{CALL}/sip_logs",
        f"/api/calls/{CALL}/stages/stage/messages/3/audio",
        "/api/voices/voice/preview",
    ]


@pytest.mark.parametrize("index", [-1, True, "1", None])
async def test_a_message_has_an_index_of_zero_or_more(index: int) -> None:
    async with client_of("http://127.0.0.1:9") as ultravox:
        with pytest.raises(InvalidRequestError, match="message_index: takes a whole number of at least 0"):
            ultravox.calls.stages.audio(CALL, "stage", index)
