"""What a call shows of its life: it is created, joined, ended and billed."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import cast

from ultravox_async._wire.durations import format_duration
from ultravox_async.testing._wire import Json

PENDING = "BILLING_STATUS_PENDING"
USUAL_DURATION = timedelta(seconds=30)
_TIME_TO_JOIN = timedelta(seconds=2)


def join(call: dict[str, Json]) -> None:
    """Let somebody join a call, unless it was joined or has ended."""
    if call["joined"] is None and call["ended"] is None:
        call["joined"] = after(call, "created", _TIME_TO_JOIN)


def end(call: dict[str, Json], reason: str, duration: timedelta) -> None:
    """End a call that has not ended; one that nobody has joined is unjoined."""
    if call["ended"] is not None:
        return
    is_joined = call["joined"] is not None
    call["ended"] = after(call, "joined", duration) if is_joined else after(call, "created", USUAL_DURATION)
    call["endReason"] = reason if is_joined else "unjoined"
    call["summary"] = call["shortSummary"] = "An emulated call." if is_joined else None
    if is_sip(call):
        _sip_details(call)["terminationReason"] = f"SIP_TERMINATION_{'NORMAL' if is_joined else 'CANCELED'}"


def bill(call: dict[str, Json]) -> None:
    """Bill a call, which ends if it has not ended yet; one that nobody has joined costs nothing."""
    end(call, "hangup", USUAL_DURATION)
    billed = format_duration(duration_of(call))
    call["billedDuration"] = billed
    call["billingStatus"] = "BILLING_STATUS_FREE_ZERO_EFFECTIVE_DURATION" if billed == "0s" else "BILLING_STATUS_BILLED"
    if is_sip(call):
        _sip_details(call)["billedDuration"] = billed


def advance(call: dict[str, Json]) -> None:
    """Let a call do what comes next in its life, if there is anything left."""
    if call["joined"] is None and call["ended"] is None:
        join(call)
    elif call["ended"] is None:
        end(call, "hangup", USUAL_DURATION)
    elif call["billingStatus"] == PENDING:
        bill(call)


def happened(call: Mapping[str, Json]) -> list[str]:
    """The events of a call so far, as webhooks are told of them."""
    past = {
        "call.started": True,
        "call.joined": call["joined"] is not None,
        "call.ended": call["ended"] is not None,
        "call.billed": call["billingStatus"] != PENDING,
    }
    return [event for event, is_past in past.items() if is_past]


def is_sip(call: Mapping[str, Json]) -> bool:
    """Whether a call is connected by SIP."""
    return "sip" in cast("dict[str, Json]", call["medium"])


def duration_of(call: Mapping[str, Json]) -> timedelta:
    """How long the conversation of a call was; zero if it has not ended, or nobody has joined it."""
    if call["joined"] is None or call["ended"] is None:
        return timedelta(0)
    return moment(call["ended"]) - moment(call["joined"])


def moment(text: Json) -> datetime:
    """The moment that a text of the wire stands for."""
    return datetime.fromisoformat(str(text))


def after(call: Mapping[str, Json], field: str, pause: timedelta) -> str:
    """The moment that is so long after that in a field, as a text of the wire."""
    return (moment(call[field]) + pause).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _sip_details(call: Mapping[str, Json]) -> dict[str, Json]:
    return cast("dict[str, Json]", call["sipDetails"])
