"""Waiting for what happens to a call."""

from typing import Final, Literal, TypeAlias, get_args

from ultravox_async._http.scheduler import Priority
from ultravox_async._wait import wait_until
from ultravox_async.errors import InvalidRequestError, WaitError
from ultravox_async.resources._base import Resource, request_for, request_to
from ultravox_async.types.calls import Call

CALL: Final = "/api/calls/{call_id}"

CallMoment: TypeAlias = Literal["joined", "ended", "billed"]
"""What happens to a call, in this order; one that nobody joins only ends and is billed."""


class CallWaits(Resource):
    """What is asked for until it has happened, as background work: interactive requests go first."""

    async def wait(
        self,
        call_id: str,
        *,
        until: CallMoment,
        timeout: float,  # noqa: ASYNC109 - its error says what was waited for
        interval: float = 2.0,
    ) -> Call:
        """Wait until a call is joined, has ended, or is billed.

        Args:
            call_id: The id of the call.
            until: What to wait for: ``"joined"``, ``"ended"`` or ``"billed"``, which means that it has ended and its
                billing is no longer pending, whether it costs something or not.
            timeout: How long to wait, in seconds.
            interval: The seconds between an answer and the next request.

        Returns:
            The call as it was then.

        Raises:
            InvalidRequestError: An argument is not valid.
            WaitTimeoutError: It did not happen in time.
            WaitError: The call ended, and nobody had joined it, which was waited for.
            NotFoundError: The call does not exist.
            UltravoxError: A request failed in a way that does not pass, or the client was closed.
        """
        if until not in get_args(CallMoment):
            raise InvalidRequestError("until", f"takes one of {', '.join(get_args(CallMoment))}")
        goal = f"call {call_id} to be {until}"
        request = request_for("GET", CALL, {"call_id": call_id})
        request.priority = Priority.BACKGROUND

        async def fetch() -> Call:
            return await self._transport.fetch(request, Call)

        def lacking(call: Call) -> str | None:
            if until == "joined" and call.joined is None and call.ended is not None:
                raise WaitError(goal, _state_of(call))
            return None if _has_happened(call, until) else _state_of(call)

        return await wait_until(self._transport, fetch, lacking, goal=goal, timeout=timeout, interval=interval)

    async def delete_when_billed(
        self,
        call_id: str,
        *,
        timeout: float = 600.0,  # noqa: ASYNC109 - its error says what was waited for
        interval: float = 5.0,
    ) -> None:
        """Delete a call, with its messages and recordings, for good, as soon as the API allows it.

        Args:
            call_id: The id of the call.
            timeout: How long to try, in seconds.
            interval: The seconds between an answer and the next request.

        Raises:
            InvalidRequestError: An argument is not valid.
            WaitTimeoutError: The API did not allow it in time: the call has not ended, or is not billed.
            NotFoundError: The call does not exist, or a first attempt whose response was lost deleted it.
            UltravoxError: A request failed in a way that does not pass, or the client was closed.
        """
        request = request_to("DELETE", CALL, call_id=call_id)
        request.priority = Priority.BACKGROUND

        async def delete() -> None:
            await self._transport.perform(request)  # until then a 425, which passes

        goal = f"call {call_id} to be billed, so that it can be deleted"
        await wait_until(self._transport, delete, lambda _: None, goal=goal, timeout=timeout, interval=interval)


def _has_happened(call: Call, moment: CallMoment) -> bool:
    if moment == "joined":
        return call.joined is not None
    if moment == "ended":
        return call.ended is not None
    # The API may tell that a call that goes on is free.
    return call.ended is not None and call.billing_status not in {None, "BILLING_STATUS_PENDING"}


def _state_of(call: Call) -> str:
    if call.ended is None:
        return "nobody has joined it yet" if call.joined is None else "it goes on"
    return f"it has ended (end reason {call.end_reason}, billing status {call.billing_status})"
