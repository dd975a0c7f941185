"""Time to decode a registration in a page of 100, from bytes: compared with pydantic models and msgspec structs."""

import gc
import time
from collections.abc import Callable
from datetime import datetime
from types import GenericAlias, ModuleType
from typing import Any

from benchmarks.rounds import Effort, Row, absent, compared, installed, interleaved
from benchmarks.server import page
from ultravox_async import Page, SipRegistration
from ultravox_async._wire.converter import decode

_PAGE = 100
_WHAT = "decode one registration, in a page of 100"
_TARGET = "at most 1.15"
_SCALE = "none, for scale"

Decode = Callable[[bytes], object]


async def against_peers(effort: Effort) -> list[Row]:
    """Compare with both; all sides have the same fields, and none coerces."""
    body = page(_PAGE, 0, _PAGE)
    repeats = effort.of(100, 1)
    pydantic, msgspec = installed("pydantic"), installed("msgspec")
    decoders: dict[str, Decode] = {"ours": _ours}
    if pydantic is not None:
        decoders["pydantic"] = pydantic_page(pydantic).model_validate_json
    if msgspec is not None:
        decoders["msgspec"] = _msgspec_decoder(msgspec)

    def timed(decode_page: Decode) -> Callable[[], Any]:
        async def measure() -> float:
            gc.collect()
            started = time.process_time()
            for _ in range(repeats):
                decode_page(body)
            return (time.process_time() - started) / repeats / _PAGE * 1e6

        return measure

    times = await interleaved({name: timed(decoder) for name, decoder in decoders.items()}, effort.of(25, 1))
    return [
        compared(_WHAT, name, target, times["ours"], times[peer]) if peer in times else absent(_WHAT, name, target)
        for peer, name, target in (
            ("pydantic", "pydantic model_validate_json", _TARGET),
            ("msgspec", "msgspec into Structs", _SCALE),
        )
    ]


class _Origin:
    origin = "GET /api/sip/registrations"
    content_type = "application/json"

    def redacted(self, text: str) -> str:
        return text


def _ours(body: bytes) -> object:
    return decode(body, Page[SipRegistration], _Origin())


def pydantic_fields(pydantic: ModuleType) -> dict[str, Any]:
    """Return the fields of a registration for `pydantic.create_model`."""
    text = (str | None, None)
    return {
        "registrationId": (str, ...),
        "created": (pydantic.AwareDatetime, ...),
        "username": (str, ...),
        "proxy": (str, ...),
        "outboundProxy": text,
        "authUser": text,
        "successful": (bool | None, None),
    }


def pydantic_page(pydantic: ModuleType) -> Any:  # noqa: ANN401 - a class of a peer that may be absent
    """Return the model of a page; strict, which still parses timestamps in JSON."""
    strict = pydantic.ConfigDict(strict=True)
    registration: Any = pydantic.create_model("Registration", __config__=strict, **pydantic_fields(pydantic))
    text = (str | None, None)
    return pydantic.create_model(
        "Page",
        __config__=strict,
        results=(GenericAlias(list, registration), ...),
        next=text,
        previous=text,
        total=(int | None, None),
    )


def _msgspec_decoder(msgspec: ModuleType) -> Decode:
    registration: Any = msgspec.defstruct(
        "Registration",
        [
            ("registrationId", str),
            ("created", datetime),
            ("username", str),
            ("proxy", str),
            ("outboundProxy", str | None, None),
            ("authUser", str | None, None),
            ("successful", bool | None, None),
        ],
    )
    whole = msgspec.defstruct(
        "Page",
        [
            ("results", GenericAlias(list, registration)),
            ("next", str | None, None),
            ("previous", str | None, None),
            ("total", int | None, None),
        ],
    )
    decode: Decode = msgspec.json.Decoder(whole).decode
    return decode
