"""`Observer`: what a program learns about each request, for metrics and traces.

Override the methods that you need; those of this class do nothing. They are called in the task that makes the request,
so that a context variable that `request_started` sets is set for the attempts too. They have to return at once, and
cannot be ``async``. One that raises is logged, and does not affect the request; only what ends a program, such as
`KeyboardInterrupt`, goes on.
"""

from typing import Any

import attrs

from ultravox_async.errors import UltravoxError


@attrs.frozen
class RequestInfo:
    """A request, before its first attempt. Nothing in it is secret.

    Use `template` for the names of metrics and spans, because there are few of them: `url` has the ids.
    """

    method: str
    """The HTTP method."""

    template: str
    """The path with the names of ids in braces, for example ``/api/calls/{call_id}``."""

    url: str
    """Where it is sent, without a query."""

    priority: str
    """``interactive`` or ``background``."""


@attrs.frozen
class AttemptInfo:
    """An attempt that is over. One that is cancelled before it was sent is not reported.

    Times are in seconds. `seconds` includes `connection_seconds`, and not `turn_seconds`, which went before. A request
    that is repeated waits for a turn, and perhaps for a connection, before each attempt.
    """

    number: int
    """Counted from 1."""

    status: int | None
    """The HTTP status; None if there was no complete response."""

    error: str | None
    """The class of the error; ``cancelled`` if the task was cancelled meanwhile; None after a success."""

    seconds: float
    """How long it took, from its turn to the end of the response."""

    turn_seconds: float
    """How long the request had waited for its turn before."""

    connection_seconds: float
    """How long of `seconds` it waited for a connection; 0.0 with a session of the caller."""

    connection_reused: bool | None
    """Whether the connection had been used before; None if there was none, or it is not known."""


@attrs.frozen
class RequestResult:
    """A request that is over.

    `seconds` is what the caller waited: the `AttemptInfo.turn_seconds` and `AttemptInfo.seconds` of all attempts, and
    the delays between them. After a success, and after a cancellation, `error` is None; `cancelled` tells them apart.
    """

    status: int | None
    """The HTTP status of the last response; None if there was none."""

    error: UltravoxError | None
    """The error; None after a success, and if the task was cancelled."""

    cancelled: bool
    """Whether the task was cancelled."""

    attempts: int
    """How often it was sent."""

    seconds: float
    """How long it took, waits and all."""


class Observer:
    """Learns about each request of a client; see `AsyncUltravox`."""

    def request_started(self, request: RequestInfo) -> Any:  # noqa: ANN401 - belongs to the observer
        """Take note of a request, before it waits for its turn.

        Returns:
            Whatever the other methods need to know of this request; they get it as `state`.
        """

    def attempt_ended(self, state: Any, request: RequestInfo, attempt: AttemptInfo) -> None:  # noqa: ANN401 - as above
        """Take note of an attempt."""

    def request_ended(self, state: Any, request: RequestInfo, result: RequestResult) -> None:  # noqa: ANN401 - as above
        """Take note of the end of a request: of a success, of its last failure, or of a cancellation."""
