"""SIP: registrations (5 operations) and the account's configuration (2)."""

from collections.abc import AsyncGenerator
from functools import partial
from typing import Final, Unpack

from ultravox_async._bulk.ids import Ids
from ultravox_async._bulk.source import Source
from ultravox_async._bulk.sweep import Sweep, Via
from ultravox_async._http.transport import Transport
from ultravox_async._pagination import Pager
from ultravox_async._wait import wait_until
from ultravox_async._watch import Change, watch
from ultravox_async.resources._base import SWEEP_PAGE_SIZE, Resource
from ultravox_async.types.shared.paging import ListOptions
from ultravox_async.types.sip import (
    NewSipRegistration,
    SipConfig,
    SipConfigChanges,
    SipRegistration,
    SipRegistrationChanges,
)

_CONFIG: Final = "/api/sip"
_REGISTRATIONS: Final = "/api/sip/registrations"
_REGISTRATION: Final = "/api/sip/registrations/{registration_id}"


class SipRegistrations(Resource):
    """The SIP registrations of the account: ``ultravox.sip.registrations``."""

    async def get(self, registration_id: str) -> SipRegistration:
        """Fetch one registration.

        Args:
            registration_id: The id of the registration.

        Raises:
            InvalidRequestError: `registration_id` is not a valid id.
            NotFoundError: The registration does not exist.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("GET", _REGISTRATION, SipRegistration, registration_id=registration_id)

    def get_many(self, ids: Ids, *, concurrency: int = 50, via: Via = "auto") -> Sweep[SipRegistration]:
        """Fetch many registrations, concurrently.

        Iterate over the result with ``async for`` to get one `Outcome` for each distinct id as it finishes, or await it
        to get a `BulkResult`; pass its ``collect()`` to `asyncio.create_task`. An id that fails never stops the others,
        with one exception: after five 401s in a row nothing more is sent, and each remaining id has an
        `AuthenticationError` that says so.

        Args:
            ids: The ids: an iterable or an asynchronous iterable, which is read only as fast as ids are fetched.
            concurrency: The maximum number of requests in flight for this call, 1 or more.
            via: ``"get"`` sends one GET for each id. ``"list"`` reads the account's listing (and up to 50,000 ids
                ahead), and sends a GET only for ids that are not in it, so that a `NotFoundError` is certain.
                ``"auto"`` measures which of the two is quicker: if the number of ids is known (they are a list or a
                set, for example) and above 100, it reads the listing, and continues for as long as pages bring ids
                sooner than GETs would. If a page is late, or GETs are quicker, GETs fetch ids from the other end, and
                the first outcome of an id counts, whether it is a value or an error. A value from the listing is as
                old as its page: later changes are not in it.

        Raises:
            InvalidRequestError: `ids` is one string or not iterable, `concurrency` is below 1, or `via` is not one of
                the three.
        """
        return Sweep(self._transport, ids, self._all(), concurrency, via)

    def watch(self, ids: Ids | None = None, *, interval: float = 5.0) -> AsyncGenerator[Change[SipRegistration], None]:
        """Watch registrations, and report what changes.

        Iterate over the changes with ``async for``.

        The registrations are looked at in rounds, one after the other, as background work. The first round reports each
        registration that it finds as `Added`. After that, each difference between two rounds is reported once: as
        `Added`, `Changed`, or, after a 404 for this id, `Removed`. A round reads the listing if that takes fewer
        requests than a GET for each id.

        If a round cannot be completed, because the API is out for longer than `RetryPolicy.patience`, for example, this
        is reported as `Interrupted`, once. The watch goes on, and reports `Resumed` after the next round that is
        completed.

        Args:
            ids: The ids of the registrations: an iterable or an asynchronous iterable, which is read to its end before
                the first round. Ids that do not exist are not watched any more, and the iteration ends when none is
                left. None watches all registrations of the account, also those that are created later.
            interval: The seconds between two rounds, above 0.

        Raises:
            InvalidRequestError: `ids` is one string or not iterable, or `interval` is not a number above 0; or, while
                iterating, an id is not valid.
            UltravoxError: While iterating: the client was closed, or the API refuses a request, for example because
                the key was revoked; see `ultravox_async.errors`.
        """
        return watch(self._transport, self._all(), ids, interval)

    async def wait_until_registered(
        self,
        registration_id: str,
        *,
        timeout: float = 60.0,  # noqa: ASYNC109 - the error has to say what was waited for
        interval: float = 1.0,
    ) -> SipRegistration:
        """Fetch a registration again and again until its SIP server has accepted it, and return it.

        A registration that was refused may be accepted later, so that is waited for too, and so is the end of an
        outage of the API.

        Args:
            registration_id: The id of the registration.
            timeout: The seconds to wait at most, above 0.
            interval: The seconds between two requests, which are background work, above 0.

        Raises:
            InvalidRequestError: `registration_id` is not a valid id, or a number is not above 0.
            WaitTimeoutError: The registration was not accepted in time.
            NotFoundError: The registration does not exist.
            UltravoxError: Anything else that waiting does not cure; see `ultravox_async.errors`.
        """
        goal = f"SIP registration {registration_id} to be accepted"
        fetch = partial(self._all().fetch, registration_id)
        return await wait_until(self._transport, fetch, _lacking, goal=goal, timeout=timeout, interval=interval)

    def _all(self) -> Source[SipRegistration]:
        listing = self.list(page_size=SWEEP_PAGE_SIZE)
        return self._source(_REGISTRATION, SipRegistration, "registration_id", listing)

    def list(self, **options: Unpack[ListOptions]) -> Pager[SipRegistration]:
        """List the registrations of the account.

        Iterate over the result with ``async for`` to get registrations, or over its ``pages()`` to get `Page` objects.

        Args:
            **options: The fields of `ListOptions`: `page_size` and `cursor`.

        Raises:
            TypeError: An option does not exist.
            InvalidRequestError: `page_size` is below 1.
        """
        return self._list(_REGISTRATIONS, SipRegistration, ListOptions, options)

    async def create(self, **registration: Unpack[NewSipRegistration]) -> SipRegistration:
        """Create a registration.

        Args:
            **registration: The fields of `NewSipRegistration`: `username`, `password` and `proxy`, and optionally
                `outbound_proxy` and `auth_user`.

        Raises:
            TypeError: A field does not exist, or a required one is missing; nothing was sent.
            InvalidRequestError: A field exceeds its limit; nothing was sent.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("POST", _REGISTRATIONS, SipRegistration, NewSipRegistration, registration)

    async def update(self, registration_id: str, **changes: Unpack[SipRegistrationChanges]) -> SipRegistration:
        """Change a registration: omitted fields are not changed, and None clears a field that may be null.

        Args:
            registration_id: The id of the registration.
            **changes: The fields of `SipRegistrationChanges`.

        Raises:
            TypeError: A field does not exist; nothing was sent.
            InvalidRequestError: `registration_id` is not a valid id, there are no fields, or one exceeds its limit;
                nothing was sent.
            NotFoundError: The registration does not exist.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send(
            "PATCH", _REGISTRATION, SipRegistration, SipRegistrationChanges, changes, registration_id=registration_id
        )

    async def delete(self, registration_id: str) -> None:
        """Delete a registration.

        Args:
            registration_id: The id of the registration.

        Raises:
            InvalidRequestError: `registration_id` is not a valid id.
            NotFoundError: The registration does not exist, or a first attempt, whose response was lost, has deleted it.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        await self._delete(_REGISTRATION, registration_id=registration_id)


def _lacking(registration: SipRegistration) -> str | None:
    if registration.successful is None:
        return "it is not known yet whether its SIP server accepts it"
    return None if registration.successful else "its SIP server has refused it"


class Sip(Resource):
    """SIP registrations, and the SIP configuration of the account: ``ultravox.sip``."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport)
        self.registrations = SipRegistrations(transport)

    async def get_config(self) -> SipConfig:
        """Fetch the SIP configuration of the account.

        Raises:
            UltravoxError: Anything that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("GET", _CONFIG, SipConfig)

    async def update_config(self, **changes: Unpack[SipConfigChanges]) -> SipConfig:
        """Change the SIP configuration of the account: omitted fields are not changed.

        Args:
            **changes: The fields of `SipConfigChanges`.

        Raises:
            TypeError: A field does not exist; nothing was sent.
            InvalidRequestError: There are no fields, or one exceeds its limit; nothing was sent.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("PATCH", _CONFIG, SipConfig, SipConfigChanges, changes)
