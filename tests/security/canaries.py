"""A key and a password that are recognized wherever they appear, and a search that looks everywhere."""

import pickle
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from ultravox_async import AsyncUltravox, RateLimit, RetryPolicy

KEY = "CANARYKY.0b1d4f7e93a25c68d0b1d4f7e93a25c6"
PASSWORD = 'canarypw "5q1z" \\ slash / ünïcode ☎ 100%+canaryend'
# The parts that remain however they are escaped: escaping does not change letters and digits, and half a secret is a
# secret too.
TRACES = ("CANARYKY", "93a25c6", "canarypw", "5q1z", "canaryend")

_TESTS = Path(__file__).parent.parent


def traces(*texts: str) -> list[str]:
    """Return the parts of the secrets that are found in the texts, each with its surroundings."""
    return [
        text[max(0, at - 60) : at + 60]
        for text in texts
        for trace in TRACES
        if (at := text.lower().find(trace.lower())) >= 0
    ]


def texts_of(error: BaseException) -> list[str]:
    """Return everything that an exception shows when it is printed, logged, pickled or inspected."""
    found: list[str] = []
    for each in _chain(error, set()):
        found += [str(each), repr(each), *_inside(each.args, set()), *_inside(vars(each), set())]
        found += ["".join(getattr(each, "__notes__", []))]
        report = traceback.TracebackException.from_exception(each, capture_locals=True)
        # The tests themselves may have the secrets in their frames.
        report.stack[:] = [frame for frame in report.stack if not Path(frame.filename).is_relative_to(_TESTS)]
        report.__cause__ = report.__context__ = report.exceptions = None  # each has its turn in this loop
        found += ["".join(report.format()), _pickled(each)]
    return found


def texts_of_object(value: object) -> list[str]:
    """Return what `repr`, `str` and `vars`, all the way down, show of an object."""
    return [str(value), repr(value), *_inside(value, set())]


def client_of(base_url: str, **settings: Any) -> AsyncUltravox:  # noqa: ANN401 - the settings of AsyncUltravox
    """Return a client with the canary key that sends once, unless `settings` say otherwise."""
    ours: dict[str, Any] = {"retry": RetryPolicy(max_attempts=1), "rate_limit": RateLimit(None)}
    return AsyncUltravox(KEY, base_url=base_url, **{**ours, **settings})


def _chain(error: BaseException, seen: set[int]) -> Iterator[BaseException]:
    # `raise ... from None` hides the context from tracebacks, and a crash reporter finds it all the same.
    if id(error) in seen:
        return
    seen.add(id(error))
    yield error
    below = cast("tuple[BaseException, ...]", getattr(error, "exceptions", ()))
    for each in (error.__cause__, error.__context__, *below):
        if each is not None:
            yield from _chain(each, seen)


def _pickled(error: BaseException) -> str:
    return pickle.dumps(error, protocol=0).decode("latin-1") + pickle.dumps(error).decode("latin-1")


def _inside(value: object, seen: set[int]) -> Iterator[str]:
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, bytes):
        yield value.decode("latin-1")
    yield repr(value)
    yield str(value)
    if isinstance(value, Mapping):
        pairs = cast("Mapping[object, object]", value).items()
        parts = [part for pair in pairs for part in pair]
    elif isinstance(value, list | tuple | set | frozenset):
        parts = list(cast("list[object]", value))
    else:
        parts = list(vars(value).values()) if hasattr(value, "__dict__") and not isinstance(value, type) else []
    for part in parts:
        yield from _inside(part, seen)
