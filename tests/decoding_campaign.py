"""Mutates valid answers and compares what comes out with an oracle: the right value or a `DecodeError`, nothing else.

``python -m tests.decoding_campaign --cases 20000 --seed 1`` runs it against an emulator on 127.0.0.1 and prints one
line. The oracle knows the API's documents from the table below and the JSON of the standard library, and nothing of
the package's converter.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Coroutine, Iterator, Mapping
from datetime import datetime
from typing import Any, Final, TypeAlias, cast

import attrs
import hypothesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st

from ultravox_async import AsyncUltravox, DecodeError, RateLimit, RetryPolicy
from ultravox_async.testing import Emulator, Respond

Reader: TypeAlias = Callable[[object], object]
Fetch: TypeAlias = Callable[[AsyncUltravox], Coroutine[Any, Any, object]]


class WrongError(Exception):
    """A document that the API does not promise."""


@attrs.frozen
class Tally:
    """What came out of a campaign."""

    right: int
    """How many bodies gave their value."""

    refused: int
    """How many gave a `DecodeError`."""


@attrs.frozen
class Raw:
    """Text that stands in a document as it is, whether JSON has it or not."""

    text: str

    def __repr__(self) -> str:
        return f"Raw({self.text[:40]!r} of {len(self.text)})"


_AGAIN: Final = "\0again"
_REQUIRED: Final = object()


def exactly(*kinds: type) -> Reader:
    def read(value: object) -> object:
        if type(value) not in kinds:
            raise WrongError
        return value

    return read


def each(reader: Reader) -> Reader:
    def read(value: object) -> object:
        if not isinstance(value, list):
            raise WrongError
        return [reader(item) for item in cast("list[object]", value)]

    return read


def moment(value: object) -> object:
    if not isinstance(value, str):
        raise WrongError
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        raise WrongError from None
    if read.utcoffset() is None:
        raise WrongError
    return read


def record(**fields: tuple[str, Reader, object]) -> Reader:
    """Read an object; of each field the name on the wire, how to read it, and what it is where it is absent."""

    def read(value: object) -> object:
        if not isinstance(value, dict):
            raise WrongError
        found = cast("dict[str, object]", value)
        values: dict[str, object] = {}
        for name, (wire, reader, absent) in fields.items():
            if wire not in found and absent is _REQUIRED:
                raise WrongError
            values[name] = reader(found[wire]) if wire in found else absent
        return values

    return read


_TEXT = exactly(str)
_TEXT_OR_NULL = exactly(str, type(None))

_SOME_ID = "6e1b0a4e-3a0c-4a6c-9a1e-0d5d0f3b7c11"


def the_id_asked_for(value: object) -> object:
    if not isinstance(value, str) or value.lower() != _SOME_ID:
        raise WrongError
    return value


def registration(identity: Reader) -> Reader:
    return record(
        registration_id=("registrationId", identity, _REQUIRED),
        created=("created", moment, _REQUIRED),
        username=("username", _TEXT, _REQUIRED),
        proxy=("proxy", _TEXT, _REQUIRED),
        outbound_proxy=("outboundProxy", _TEXT_OR_NULL, None),
        auth_user=("authUser", _TEXT_OR_NULL, None),
        successful=("successful", exactly(bool, type(None)), None),
    )


_PAGE = record(
    results=("results", each(registration(_TEXT)), _REQUIRED),
    next=("next", _TEXT_OR_NULL, None),
    previous=("previous", _TEXT_OR_NULL, None),
    total=("total", exactly(int, type(None)), None),
)
_ALLOWANCE = record(
    agent_id=("agentId", _TEXT, _REQUIRED),
    to_user_pattern=("toUserPattern", _TEXT_OR_NULL, None),
)
_HANDLER = record(
    url=("url", _TEXT, _REQUIRED),
    secrets=("secrets", lambda value: None if value is None else each(_TEXT)(value), None),
)
_CONFIG = record(
    domain=("domain", _TEXT, _REQUIRED),
    allowed_agents=("allowedAgents", each(_ALLOWANCE), []),
    allowed_cidr_ranges=("allowedCidrRanges", each(_TEXT), []),
    allow_all_agents=("allowAllAgents", exactly(bool), False),
    fallback_handler=("fallbackHandler", lambda value: None if value is None else _HANDLER(value), None),
)

_VALID_REGISTRATION: Mapping[str, object] = {
    "registrationId": _SOME_ID,
    "created": "2026-07-02T10:00:00.123456Z",
    "username": "alice",
    "password": "never given back",
    "proxy": "sip.example.com",
    "outboundProxy": None,
    "authUser": "älice",
    "successful": True,
}
_VALID_PAGE: Mapping[str, object] = {
    "next": None,
    "previous": "https://api.ultravox.ai/api/sip/registrations?cursor=1",
    "results": [_VALID_REGISTRATION, {**_VALID_REGISTRATION, "successful": None}],
    "total": 2,
}
_VALID_CONFIG: Mapping[str, object] = {
    "domain": "account.sip.example.com",
    "allowedAgents": [{"agentId": "6e1b0a4e-3a0c-4a6c-9a1e-0d5d0f3b7c11", "toUserPattern": "^a+$"}],
    "allowedCidrRanges": ["203.0.113.0/24"],
    "allowAllAgents": False,
    "fallbackHandler": {"url": "https://example.com/hook", "secrets": ["one", "two"]},
}


async def _registration(client: AsyncUltravox) -> object:
    return await client.sip.registrations.get(_SOME_ID)


async def _page(client: AsyncUltravox) -> object:
    return await anext(client.sip.registrations.list().pages())


async def _config(client: AsyncUltravox) -> object:
    return await client.sip.get_config()


async def _anything(client: AsyncUltravox) -> object:
    return (await client.request("GET", "/api/anything")).json()


_DOCUMENTS: Mapping[str, tuple[Mapping[str, object], Fetch, Reader]] = {
    "registration": (_VALID_REGISTRATION, _registration, registration(the_id_asked_for)),
    "page": (_VALID_PAGE, _page, _PAGE),
    "configuration": (_VALID_CONFIG, _config, _CONFIG),
    "anything": (_VALID_PAGE, _anything, lambda value: value),
}

_DEEP: Final = 200_000
_HOSTILE: Final = [
    *("NaN", "Infinity", "-Infinity", "undefined", "'a'", "01", "+1", "1.", ".5", "0x10", "1_000", "1e400", ""),
    *("-0", "-0.0", "1E2", "2.0", "1e-400", "9223372036854775807", "18446744073709551615"),
    *("9" * 10_000, "-" + "9" * 10_000, "0." + "3" * 10_000),
    *('"\\ud800"', '"\\udc00\\ud800"', '"\\ud83d\\ude00"', '"\\u0000"', '"\x01"', '"\\x41"', '"\u2028\ufeff"'),
    *("[" * 300 + "]" * 300, "[" * _DEEP + "]" * _DEEP, '{"a":' * _DEEP + "1" + "}" * _DEEP, "[" * _DEEP),
]
_MOMENTS: Final = [
    *("2026-07-02T10:00:00", "2026-07-02", "2026-07-02T10:00:00+25:00", "2026-13-02T10:00:00Z", "0000-01-01T00:00:00Z"),
    *("2026-07-02T10:00:00-23:59", "20260702T100000Z", "2026-W27-4T10:00:00Z", "2026-07-02 10:00:00+00:00"),
    *("2026-07-02T23:59:60Z", "2026-07-02T10:00:00z", "2026-07-02T10:00:00Z ", "now", "1783000000"),
    *("٢٠٢٦-07-02T10:00:00Z", "9999-12-31T23:59:59.999999+00:00", "2026-07-02T10:00:00+00:00:30.5"),
]
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    # Lone surrogates are no UTF-8, and come as escapes, from _HOSTILE.
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), inner, max_size=3)
    ),
    max_leaves=4,
)


def _thawed(value: object) -> Any:  # noqa: ANN401 - JSON
    return json.loads(json.dumps(value))


def _slots(value: object) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict):
        yield from ((value, key) for key in cast("dict[str, object]", value))
    elif isinstance(value, list):
        yield from ((value, index) for index in range(len(cast("list[object]", value))))
    if isinstance(value, dict | list):
        held = cast("dict[str, object] | list[object]", value)
        for item in list(held.values()) if isinstance(held, dict) else held:
            yield from _slots(item)


def _written(value: object, *, ascii_only: bool) -> str:
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, dict):
        fields = cast("dict[str, object]", value).items()
        pairs = (
            f"{json.dumps(name.removesuffix(_AGAIN), ensure_ascii=ascii_only)}: {_written(item, ascii_only=ascii_only)}"
            for name, item in fields
        )
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list):
        items = cast("list[object]", value)
        return "[" + ", ".join(_written(item, ascii_only=ascii_only) for item in items) + "]"
    return json.dumps(value, ensure_ascii=ascii_only)


_NEW_VALUES = _JSON | st.sampled_from([Raw(text) for text in _HOSTILE]) | st.sampled_from(_MOMENTS)


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, bytes]:
    """Return the kind of a document, and a body that once was one."""
    kind = draw(st.sampled_from(sorted(_DOCUMENTS)))
    document = [_thawed(_DOCUMENTS[kind][0])]
    for _ in range(draw(st.integers(0, 3))):
        holder, key = draw(st.sampled_from(list(_slots(document))))
        change = draw(st.sampled_from(["swap", "moment", "drop", "extra", "again"]))
        if change == "drop" and holder is not document:
            del holder[key]
        elif change == "extra" and isinstance(holder[key], dict):
            holder[key][draw(st.sampled_from(["password", "brandNew", "registration_id", "__class__", ""]))] = draw(
                _NEW_VALUES
            )
        elif change == "again" and isinstance(holder, dict):
            holder[f"{key}{_AGAIN}"] = draw(_NEW_VALUES)
        elif change == "moment":
            holder[key] = draw(st.sampled_from(_MOMENTS))
        else:
            holder[key] = draw(_NEW_VALUES)
    body = _written(document[0], ascii_only=draw(st.booleans())).encode()
    return kind, _damaged(draw, body) if draw(st.integers(0, 4)) == 0 else body


def _damaged(draw: st.DrawFn, body: bytes) -> bytes:
    at = draw(st.integers(0, len(body)))
    damages: list[bytes] = [
        b"\xef\xbb\xbf" + body,
        body[:at],
        body[:at] + draw(st.binary(min_size=1, max_size=3)) + body[at:],
        body[:at] + draw(st.sampled_from([b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80"])) + body[at:],
        body + draw(st.sampled_from([b"\n", b"{}", b",", b"\0", b" \t\r\n", b"//"])),
        body.decode().encode("utf-16"),
        body.decode().encode("latin-1", "replace"),
    ]
    return draw(st.sampled_from(damages))


def _refuse(text: str) -> object:
    raise WrongError(text)


def _finite(text: str) -> float:
    number = float(text)
    if number in {float("inf"), float("-inf")}:
        raise WrongError
    return number


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    # A string with half a surrogate pair is no text in any encoding, and a value that a later one of the same name
    # replaces has to be JSON all the same.
    json.dumps(pairs, ensure_ascii=False).encode("utf-8")
    return dict(pairs)


def _whole(text: str) -> object:
    # Beyond 64 bits JSON numbers become floats, as RFC 8259 has it; no field of the API is that large.
    return int(text) if len(text) < 25 and -(2**63) <= int(text) < 2**64 else _finite(text)


def expected(kind: str, body: bytes) -> object:
    """Return the value of a body in plain dicts.

    Raises:
        WrongError: it is no document of this kind.
    """
    try:
        data = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_refuse,
            parse_float=_finite,
            parse_int=_whole,
        )
        json.dumps(data, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        raise WrongError from None
    return _DOCUMENTS[kind][2](data)


def exact(value: object) -> str:
    """Return a form in which values of different types are different: 1 is neither True nor 1.0."""
    if attrs.has(type(value)):
        value = attrs.asdict(cast("attrs.AttrsInstance", value))
    return repr(value)


async def judge(emulator: Emulator, client: AsyncUltravox, kind: str, body: bytes) -> bool:
    """Return whether a body gave its value, and rightly so; False where it was rightly refused."""
    emulator.clear_faults()
    emulator.inject(Respond(200, {"Content-Type": "application/json"}, body))
    try:
        found = exact(await _DOCUMENTS[kind][1](client))
    except DecodeError:
        found = None
    try:
        right = exact(expected(kind, body))
    except WrongError:
        right = None
    assert found == right, f"{kind} {body[:500]!r} gave {found}, and is {right}"
    return found is not None


def run(count: int, seed: int) -> Tally:
    """Judge so many cases.

    Raises:
        AssertionError: A wrong value came out, or a right one was refused.
    """
    outcomes: list[bool] = []
    with asyncio.Runner() as runner:
        emulator = Emulator(registrations=0, requests_per_second=None, record_limit=0)
        client = runner.run(_started(emulator))

        @hypothesis.seed(seed)
        @hypothesis.settings(
            max_examples=count,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
        )
        @hypothesis.given(cases())
        def each_case(case: tuple[str, bytes]) -> None:
            outcomes.append(runner.run(judge(emulator, client, *case)))

        try:
            each_case()
        finally:
            runner.run(_ended(emulator, client))
    return Tally(outcomes.count(True), outcomes.count(False))


async def _started(emulator: Emulator) -> AsyncUltravox:
    await emulator.start()
    once = RetryPolicy(max_attempts=1)
    return AsyncUltravox(emulator.api_key, base_url=emulator.base_url, rate_limit=RateLimit(None), retry=once)


async def _ended(emulator: Emulator, client: AsyncUltravox) -> None:
    await client.close()
    await emulator.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description="Mutates valid answers and judges what the SDK makes of them.")
    parser.add_argument("--cases", type=int, default=20_000, help="how many bodies are judged")
    parser.add_argument("--seed", type=int, default=0, help="what decides which ones")
    given = parser.parse_args()
    tally = run(given.cases, given.seed)
    total = tally.right + tally.refused
    sys.stdout.write(
        f"{total} bodies, seed {given.seed}: {tally.right} right values, {tally.refused} DecodeErrors, nothing else\n"
    )


if __name__ == "__main__":
    main()
