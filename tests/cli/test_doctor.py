import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.cli.running import Result, ultravox
from ultravox_async import AsyncUltravox
from ultravox_async.testing import DropConnection, Emulator, Fault, Respond

ACCOUNT = "/api/accounts/me"


@pytest.fixture
def ultravox_emulator_settings() -> dict[str, object]:
    return {"registrations": 0}


@pytest.fixture
def ultravox_emulator(ultravox_emulator: Emulator) -> Iterator[Emulator]:
    yield ultravox_emulator
    # asyncio loses the transport of a connection that is accepted in the very moment in which its server is closed.
    # Once this is answered, the connections before it, of which some had no request, are accepted.
    with suppress(HTTPError):
        urlopen(ultravox_emulator.base_url)  # noqa: S310 - it is http


def doctor(emulator: Emulator, *words: str, **variables: str) -> Result:
    environment = {"ULTRAVOX_API_KEY": emulator.api_key, "ULTRAVOX_BASE_URL": emulator.base_url, **variables}
    return ultravox("doctor", *words, env=environment)


def checks(emulator: Emulator, **variables: str) -> tuple[int, Mapping[str, Mapping[str, Any]]]:
    result = doctor(emulator, "--output", "json", **variables)
    return result.code, {one["check"]: one for one in json.loads(result.out)}


def statuses(found: Mapping[str, Mapping[str, Any]]) -> Mapping[str, str]:
    return {name: check["status"] for name, check in found.items()}


def test_where_all_is_well_each_check_is_a_line_that_begins_with_ok(ultravox_emulator: Emulator) -> None:
    result = doctor(ultravox_emulator)
    words = [line.split()[:2] for line in result.out.splitlines()]
    assert {status for status, _ in words} == {"ok"}
    assert [check for _, check in words] == [
        *("versions", "proxies", "key", "url", "dns", "tcp", "api", "key", "clock", "rate"),
    ]
    assert (result.code, result.err) == (0, "")


def test_the_key_is_never_printed(ultravox_emulator: Emulator) -> None:
    for words in ((), ("--output", "json", "--show-secrets")):
        result = doctor(ultravox_emulator, *words)
        assert ultravox_emulator.api_key not in result.out + result.err
        assert "from ULTRAVOX_API_KEY" in result.out


def test_two_keys_can_be_told_apart(ultravox_emulator: Emulator) -> None:
    _, one = checks(ultravox_emulator)
    _, other = checks(ultravox_emulator, ULTRAVOX_API_KEY="another-key")
    assert one["key"]["detail"] != other["key"]["detail"]


def test_without_a_key_the_rest_is_checked_all_the_same(ultravox_emulator: Emulator) -> None:
    code, found = checks(ultravox_emulator, ULTRAVOX_API_KEY="")
    assert (code, found["key"]["status"], found["tcp"]["status"]) == (3, "fail", "ok")
    assert "ULTRAVOX_API_KEY" in found["key"]["remedy"]
    assert ultravox_emulator.requests == []


def test_a_key_that_cannot_be_one_is_not_sent(ultravox_emulator: Emulator) -> None:
    code, found = checks(ultravox_emulator, ULTRAVOX_API_KEY="two words")
    assert (code, found["key"]["status"]) == (3, "fail")
    assert ultravox_emulator.requests == []


def test_a_key_that_is_refused_is_the_only_failure(ultravox_emulator: Emulator) -> None:
    code, found = checks(ultravox_emulator, ULTRAVOX_API_KEY="another-key")
    assert [name for name, status in statuses(found).items() if status == "fail"] == ["key accepted"]
    assert (code, found["api"]["status"]) == (3, "ok")


@pytest.fixture
def unknown_names() -> Iterator[None]:
    def unresolved(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", unresolved)
        yield


@pytest.mark.usefixtures("unknown_names")
def test_a_name_that_is_not_known_is_a_failure_and_the_public_api_is_the_default() -> None:
    result = ultravox("doctor", "--output", "json", env={"ULTRAVOX_API_KEY": "key"})
    *_, url, dns = json.loads(result.out)
    assert f"base_url='{url['detail']}'" in repr(AsyncUltravox("key"))
    assert (result.code, dns["check"], dns["status"]) == (1, "dns", "fail")
    assert dns["detail"].endswith(": Name or service not known")


def test_a_port_where_nothing_listens_is_a_failure(ultravox_emulator: Emulator) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        base_url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        code, found = checks(ultravox_emulator, ULTRAVOX_BASE_URL=base_url)
    assert (code, found["tcp"]["status"]) == (1, "fail")
    assert found["tcp"]["detail"].endswith("Connection refused")
    assert "api" not in found


def test_a_url_that_a_client_refuses_is_a_failure(ultravox_emulator: Emulator) -> None:
    code, found = checks(ultravox_emulator, ULTRAVOX_BASE_URL="http://api.example.com")
    assert (code, found["url"]["status"]) == (1, "fail")
    assert found["url"]["detail"].endswith("would send the API key unencrypted; use https")


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Respond(200, {"Content-Type": "text/html"}, b"<title>Log in</title>"), id="a page"),
        pytest.param(Respond(401, {"Content-Type": "text/html"}, b"<title>Log in</title>"), id="a page with 401"),
        pytest.param(Respond(302, {"Location": "http://login.example.com"}), id="a redirect"),
        pytest.param(Respond(404, {"Content-Type": "application/json"}, b"{}"), id="another server"),
        pytest.param(Respond(200, {"Content-Type": "application/json"}, b"[]"), id="another document"),
    ],
)
def test_something_else_that_answers_is_recognized(ultravox_emulator: Emulator, fault: Fault) -> None:
    ultravox_emulator.inject(fault)
    code, found = checks(ultravox_emulator)
    assert (code, found["api"]["status"], found["key accepted"]["status"]) == (1, "fail", "skip")
    assert "login page" in found["api"]["remedy"]


@pytest.mark.parametrize(
    ("fault", "remedy"),
    [
        (Respond(500), "The API has a problem. Try again later."),
        (DropConnection(), "Look at the checks above, and try"),
    ],
)
def test_an_api_that_does_not_work_is_a_failure(ultravox_emulator: Emulator, fault: Fault, remedy: str) -> None:
    ultravox_emulator.inject(fault)
    code, found = checks(ultravox_emulator)
    assert (code, found["api"]["status"]) == (1, "fail")
    assert found["api"]["remedy"].startswith(remedy)


def test_it_asks_once(ultravox_emulator: Emulator) -> None:
    ultravox_emulator.inject(Respond(503))
    doctor(ultravox_emulator)
    assert [one.path for one in ultravox_emulator.requests] == [ACCOUNT]


def test_a_refusal_that_is_not_one_of_the_key_is_a_warning(ultravox_emulator: Emulator) -> None:
    ultravox_emulator.inject(Respond(403, {"Content-Type": "application/json"}, b'{"detail": "Not yours."}'))
    code, found = checks(ultravox_emulator)
    assert (code, found["key accepted"]["status"]) == (0, "warn")


def test_a_rate_that_is_exceeded_is_a_warning_that_shows_the_headers(ultravox_emulator: Emulator) -> None:
    ultravox_emulator.inject(Respond(429, {"Retry-After": "7", "X-RateLimit-Limit": "200"}))
    code, found = checks(ultravox_emulator)
    assert (code, found["api"]["status"], found["key accepted"]["status"]) == (0, "warn", "skip")
    assert found["rate limit"]["detail"] == "X-RateLimit-Limit: 200, Retry-After: 7"


@pytest.mark.parametrize(
    ("ahead", "status", "code"), [(-timedelta(hours=1), "fail", 1), (timedelta(seconds=20), "warn", 0)]
)
def test_a_clock_that_is_wrong_is_noticed(
    ultravox_emulator: Emulator, ahead: timedelta, status: str, code: int
) -> None:
    date = format_datetime(datetime.now(UTC) - ahead, usegmt=True)
    ultravox_emulator.inject(Respond(200, {"Date": date, "Content-Type": "application/json"}, b"{}"))
    found_code, found = checks(ultravox_emulator)
    assert (found_code, found["clock"]["status"]) == (code, status)
    assert ("behind" in found["clock"]["detail"]) == (ahead < timedelta(0))


@pytest.mark.parametrize("date", ["yesterday", "Mon, 01 Jan 2024 00:00:00 +99999999999999999999"])
def test_without_a_date_the_clock_is_not_checked(ultravox_emulator: Emulator, date: str) -> None:
    ultravox_emulator.inject(Respond(200, {"Date": date, "Content-Type": "application/json"}, b"{}"))
    code, found = checks(ultravox_emulator)
    assert (code, found["clock"]["status"]) == (0, "skip")


def test_proxies_of_the_environment_are_named_without_their_passwords(ultravox_emulator: Emulator) -> None:
    code, found = checks(
        ultravox_emulator, HTTPS_PROXY="http://me:password@proxy.example.com:3128", http_proxy="http://[", ALL_PROXY="x"
    )
    assert (code, found["proxies"]["status"]) == (0, "warn")
    assert "HTTPS_PROXY is proxy.example.com:3128" in found["proxies"]["detail"]
    assert "http_proxy is not a URL" in found["proxies"]["detail"]
    assert "password" not in found["proxies"]["detail"]


def test_the_remedy_is_below_its_check(ultravox_emulator: Emulator) -> None:
    lines = doctor(ultravox_emulator, ULTRAVOX_API_KEY="").out.splitlines()
    [at] = [number for number, line in enumerate(lines) if line.startswith("fail")]
    assert lines[at + 1].strip().startswith("Create a key")


def test_with_a_profile_that_cannot_be_used_nothing_else_is_checked(
    ultravox_emulator: Emulator, tmp_path: Path
) -> None:
    result = doctor(ultravox_emulator, "--profile", "work", XDG_CONFIG_HOME=str(tmp_path))
    status, check, *words = result.out.splitlines()[-1].split()
    assert (result.code, status, check, words[:2]) == (3, "fail", "key", ["cannot", "read"])
    assert ultravox_emulator.requests == []
