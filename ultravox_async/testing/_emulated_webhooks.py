"""Delivers events to the webhooks of an account, again and again until they are accepted."""

import asyncio
from collections.abc import Sequence

import aiohttp
import attrs

from ultravox_async.testing._outgoing import Outgoing

_FIRST_PAUSE = 30.0
_MOST_REPETITIONS = 10
# How long the API waits for a response is not documented.
_PATIENCE = 15.0


@attrs.define(eq=False)
class WebhookDelivery:
    """An event for one webhook."""

    event: str
    """What happened, such as "call.ended"."""

    call_id: str
    """To which call."""

    url: str
    """The URL of the webhook."""

    body: bytes = attrs.field(repr=False)
    """The body that is sent."""

    secrets: Sequence[str] = attrs.field(repr=False)
    """The secrets that sign it, anew for each attempt: those that the webhook had when it happened."""

    statuses: list[int | None] = attrs.field(init=False, factory=list[int | None])
    """The status of each response so far; None for an attempt without a response."""

    errors: list[str | None] = attrs.field(init=False, factory=list[str | None])
    """Why each attempt had no response; None for one that had."""

    @property
    def is_accepted(self) -> bool:
        """Whether the last response was a success, or a redirect, which counts as one."""
        return bool(self.statuses) and self.statuses[-1] in range(200, 400)

    @property
    def is_given_up(self) -> bool:
        """Whether it was never accepted, and is not repeated any more."""
        return len(self.statuses) > _MOST_REPETITIONS and not self.is_accepted

    def note(self, status: int | None, error: str | None) -> None:
        """Note what came of an attempt."""
        self.statuses.append(status)
        self.errors.append(error)


@attrs.define(eq=False)
class EmulatedWebhooks:
    """The deliveries of an emulator to the webhooks that its account has.

    An event is delivered at once. If that fails, it is repeated after 30 seconds, and up to ten times, each time after
    twice as long as the time before. These pauses are on a clock that `advance` moves forward, so that nobody has to
    wait for them.
    """

    _outgoing: Outgoing = attrs.field(repr=False)
    _deliveries: list[WebhookDelivery] = attrs.field(init=False, factory=list[WebhookDelivery], repr=False)
    _due: list[tuple[float, WebhookDelivery]] = attrs.field(
        init=False, factory=list[tuple[float, WebhookDelivery]], repr=False
    )
    _attempts: set[asyncio.Task[None]] = attrs.field(init=False, factory=set[asyncio.Task[None]], repr=False)
    _ahead: float = attrs.field(init=False, default=0.0)
    _timer: asyncio.TimerHandle | None = attrs.field(init=False, default=None, repr=False)

    @property
    def deliveries(self) -> list[WebhookDelivery]:
        """All deliveries, in the order in which their events happened."""
        return list(self._deliveries)

    def advance(self, seconds: float) -> None:
        """Move the clock of the repetitions forward; those that are due then begin. May be called from any thread.

        Raises:
            RuntimeError: The emulator does not run.
        """
        if self._outgoing.loop is None:
            raise RuntimeError("the emulator has to be started before its clock can be moved")
        self._outgoing.loop.call_soon_threadsafe(self._advance, seconds)

    async def until_idle(self) -> None:
        """Wait until each delivery is accepted, is given up, or waits for its repetition.

        Raises:
            RuntimeError: The emulator does not run.
        """
        await self._outgoing.run(self._until_idle())

    def add(self, delivery: WebhookDelivery) -> None:
        """Deliver an event, as soon as the emulator runs. May be called from any thread."""
        self._deliveries.append(delivery)
        if self._outgoing.loop is None:
            self._due.append((0.0, delivery))
        else:
            self._outgoing.loop.call_soon_threadsafe(self._begin, delivery)

    def start(self) -> None:
        """Begin what is due, in the event loop that runs."""
        self._begin_due()

    async def stop(self) -> None:
        """Stop; what was not delivered yet goes on after another start."""
        while self._attempts:
            for attempt in self._attempts:
                attempt.cancel()
            await asyncio.wait(self._attempts)
        if self._timer is not None:
            self._timer.cancel()

    def _advance(self, seconds: float) -> None:
        self._ahead += seconds
        self._begin_due()

    async def _until_idle(self) -> None:
        while self._attempts:
            await asyncio.wait(self._attempts)

    def _begin_due(self) -> None:
        now = self._now()
        due = [delivery for at, delivery in self._due if at <= now]
        self._due = [(at, delivery) for at, delivery in self._due if at > now]
        for delivery in due:
            self._begin(delivery)
        self._set_timer()

    def _begin(self, delivery: WebhookDelivery) -> None:
        if self._outgoing.loop is None:  # stopped since it was scheduled by another thread
            self._due.append((0.0, delivery))
            return
        attempt = asyncio.create_task(self._attempt(delivery))
        self._attempts.add(attempt)
        attempt.add_done_callback(self._attempts.discard)

    async def _attempt(self, delivery: WebhookDelivery) -> None:
        try:
            status, _ = await self._outgoing.post(delivery.url, delivery.body, delivery.secrets, _PATIENCE)
        except asyncio.CancelledError:
            self._due.append((0.0, delivery))
            raise
        except aiohttp.ClientError as error:
            delivery.note(None, f"{type(error).__name__}: {error}")
        except TimeoutError:
            delivery.note(None, f"no response within {_PATIENCE:g} s")
        else:
            delivery.note(status, None)
        if not delivery.is_accepted and not delivery.is_given_up:
            pause = _FIRST_PAUSE * 2 ** (len(delivery.statuses) - 1)
            self._due.append((self._now() + pause, delivery))
            self._set_timer()

    def _now(self) -> float:
        return asyncio.get_running_loop().time() + self._ahead

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._due:
            pause = min(at for at, _ in self._due) - self._now()
            self._timer = asyncio.get_running_loop().call_later(pause, self._begin_due)
