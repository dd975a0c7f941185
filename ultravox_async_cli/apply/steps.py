"""Carries out a plan, concurrently."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence

import attrs

from ultravox_async import AsyncUltravox, AuthenticationError, NotFoundError, UltravoxError
from ultravox_async_cli.apply.plan import Creation, Plan, Step, Update
from ultravox_async_cli.apply.registrations_file import Password


@attrs.define
class Results:
    """What has become of the steps so far."""

    done: list[Step] = attrs.field(factory=list[Step])
    failed: list[tuple[Step, UltravoxError]] = attrs.field(factory=list[tuple[Step, UltravoxError]])
    sent: int = 0
    """How many steps were begun. Those that are neither done nor failed were in flight when it was interrupted."""

    is_refused: bool = False
    """Whether the API does not accept the key; nothing more is sent then."""


@attrs.frozen
class Execution:
    """What the tasks that carry out a plan share."""

    ultravox: AsyncUltravox
    """The client, which keeps the rate."""

    passwords: Mapping[int, Password]
    """The passwords that are sent, by the lines of their rows."""

    results: Results
    """What was done and what failed, also after a cancellation."""

    note_result: Callable[[], None]
    """Called after each step."""

    async def carry_out(self, plan: Plan, concurrency: int) -> None:
        """Carry out a plan. A step that fails does not stop the others, but then nothing is deleted.

        Who changes a username in a file wants a creation and a deletion: the old registration stays until the new one
        exists.

        Args:
            plan: What is to be done.
            concurrency: The maximum number of requests in flight.
        """
        waves: Sequence[Sequence[Step]] = ([*plan.creations, *plan.updates], plan.deletions)
        for steps in waves:
            if self.results.failed:
                return
            left = iter(steps)
            async with asyncio.TaskGroup() as group:
                for _ in range(min(concurrency, len(steps))):
                    group.create_task(self._work(left))

    async def _work(self, steps: Iterator[Step]) -> None:
        for step in steps:
            self.results.sent += 1
            try:
                await self._send(step)
            except UltravoxError as error:
                self.results.failed.append((step, error))
                self.results.is_refused |= isinstance(error, AuthenticationError)
            else:
                self.results.done.append(step)
            self.note_result()
            if self.results.is_refused:
                return

    async def _send(self, step: Step) -> None:
        # As background work, the requests wait until an outage is over.
        registrations = self.ultravox.with_options(priority="background").sip.registrations
        if isinstance(step, Creation):
            row = step.row
            await registrations.create(
                username=row.username, proxy=row.proxy, password=self.passwords[row.line].reveal(), **row.optional
            )
        elif isinstance(step, Update):
            key = step.registration.registration_id
            if step.sets_password:
                await registrations.update(key, password=self.passwords[step.row.line].reveal(), **step.changes)
            else:
                await registrations.update(key, **step.changes)
        else:
            # Somebody else may have deleted it, or a first attempt has, whose response was lost.
            with contextlib.suppress(NotFoundError):
                await registrations.delete(step.registration.registration_id)
