"""Signed requests to a webhook that were changed; exits with 1 if one is accepted that is not what was signed."""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime

import attrs
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.webhooks.signing import (
    BODY,
    NOW,
    OTHER_SECRET,
    SECRET,
    SIGNATURE_HEADER,
    TIMESTAMP,
    TIMESTAMP_HEADER,
    digest,
)
from ultravox_async import UltravoxError, WebhookVerificationError
from ultravox_async.webhooks import unwrap


@attrs.frozen
class Delivery:
    """A request to a webhook."""

    body: bytes
    timestamp: str
    signature: str
    more: tuple[tuple[str, str], ...] = ()
    """Headers that were added."""

    without: tuple[str, ...] = ()
    """Headers that were removed."""

    spell: Callable[[str], str] = str
    """How the names of headers are written."""

    def headers(self) -> list[tuple[str, str]]:
        own = [(TIMESTAMP_HEADER, self.timestamp), (SIGNATURE_HEADER, self.signature)]
        return [(self.spell(name), value) for name, value in [*own, *self.more] if name not in self.without]


GENUINE = Delivery(BODY, TIMESTAMP, ", ".join(digest(BODY, TIMESTAMP, secret) for secret in (SECRET, OTHER_SECRET)))

_PLACES = st.integers(0, 1 << 20)
_TIMES = ["2026-07-02T10:00:00", "2026-07-02T10:00:00+00:00", "2026-07-02 10:00:00Z", "2026-07-02T10:00:01Z"]
_NAMES = st.sampled_from([TIMESTAMP_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER.lower(), "Host"])


def _spliced(draw: st.DrawFn, text: str, likely: str) -> str:
    """Replace a few characters at any place, or insert or remove some."""
    at, length = draw(_PLACES) % (len(text) + 1), draw(st.integers(0, 3))
    return text[:at] + draw(st.text(likely, max_size=4) | st.text(max_size=4)) + text[at + length :]


def _change_body(draw: st.DrawFn, one: Delivery) -> Delivery:
    spliced = _spliced(draw, one.body.decode("latin-1"), '{}",: 0').encode("latin-1", "replace")
    return attrs.evolve(one, body=draw(st.just(spliced) | st.binary(max_size=50)))


def _change_timestamp(draw: st.DrawFn, one: Delivery) -> Delivery:
    spliced = _spliced(draw, one.timestamp, "0123456789-:TZ+. ")
    others = st.sampled_from(_TIMES) | st.datetimes().map(datetime.isoformat)
    return attrs.evolve(one, timestamp=draw(st.just(spliced) | others))


def _change_signature(draw: st.DrawFn, one: Delivery) -> Delivery:
    text = one.signature
    spliced = _spliced(draw, text, "0123456789abcdef, ")
    return attrs.evolve(one, signature=draw(st.sampled_from([spliced, text.upper(), f"{text},{text}", f",{text}", ""])))


def _add_header(draw: st.DrawFn, one: Delivery) -> Delivery:
    value = draw(st.sampled_from([TIMESTAMP, GENUINE.signature]) | st.text(max_size=20))
    return attrs.evolve(one, more=(*one.more, (draw(_NAMES), value)))


def _remove_header(draw: st.DrawFn, one: Delivery) -> Delivery:
    return attrs.evolve(one, without=(*one.without, draw(_NAMES)))


def _spell_headers(draw: st.DrawFn, one: Delivery) -> Delivery:
    return attrs.evolve(one, spell=draw(st.sampled_from([str.lower, str.upper, str.title, str.swapcase])))


def _move_boundary(draw: st.DrawFn, one: Delivery) -> Delivery:
    """Let the timestamp begin somewhere else in what was signed."""
    everything = one.body.decode("latin-1") + one.timestamp
    at = (len(one.body) + draw(st.integers(-30, 30))) % (len(everything) + 1)
    return attrs.evolve(one, body=everything[:at].encode("latin-1", "replace"), timestamp=everything[at:])


_CHANGES: list[Callable[[st.DrawFn, Delivery], Delivery]] = [
    _change_body,
    _change_timestamp,
    _change_signature,
    _add_header,
    _remove_header,
    _spell_headers,
    _move_boundary,
]


@st.composite
def deliveries(draw: st.DrawFn) -> Delivery:
    """Return a delivery that was changed in one to three ways."""
    delivery = GENUINE
    for change in draw(st.lists(st.sampled_from(_CHANGES), min_size=1, max_size=3)):
        delivery = change(draw, delivery)
    return delivery


@attrs.define
class Tally:
    """What became of the requests."""

    outcomes: Counter[str] = attrs.field(factory=Counter[str])
    """How many were accepted or refused, and by which check."""

    forged: list[Delivery] = attrs.field(factory=list[Delivery])
    """Those that were accepted although their body or timestamp is not what was signed."""

    broken: list[Delivery] = attrs.field(factory=list[Delivery])
    """Genuine ones, but for the order and spelling of headers, that were refused."""

    def add(self, delivery: Delivery) -> None:
        try:
            unwrap(delivery.body, delivery.headers(), [SECRET, OTHER_SECRET], now=NOW)
        except WebhookVerificationError as error:
            self.outcomes[error.check] += 1
            if attrs.evolve(delivery, spell=str) == GENUINE:
                self.broken.append(delivery)
        except UltravoxError as error:
            self.outcomes[type(error).__name__] += 1
            self.forged.append(delivery)
        else:
            self.outcomes["accepted"] += 1
            seen = {name.lower(): value for name, value in delivery.headers()}
            if (delivery.body, seen[TIMESTAMP_HEADER.lower()]) != (BODY, TIMESTAMP):
                self.forged.append(delivery)

    @property
    def passed(self) -> bool:
        return not self.forged and not self.broken

    def __str__(self) -> str:
        told = ", ".join(f"{name}: {count}" for name, count in sorted(self.outcomes.items()))
        forged = f"{len(self.forged)} accepted with another body or timestamp"
        return f"{self.outcomes.total()} mutated requests ({told}); {forged}"


def mutate(examples: int) -> Tally:
    """Check so many mutated requests."""
    tally = Tally()

    # Nothing is saved or shrunk: what is found is told as it is.
    @settings(max_examples=examples, database=None, deadline=None, phases=[Phase.generate])
    @given(deliveries())
    def check(delivery: Delivery) -> None:
        tally.add(delivery)

    check()
    return tally


def main(argv: Sequence[str] | None = None) -> int:
    """Check as many as the arguments say; return 1 if one was accepted that must not be, else 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaign.mutated", description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000, help="mutated requests (default: %(default)s)")
    tally = mutate(parser.parse_args(argv).requests)
    sys.stdout.write(f"{tally}\n")
    return 0 if tally.passed else 1


if __name__ == "__main__":
    sys.exit(main())
