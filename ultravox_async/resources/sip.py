"""SIP: registrations (5 operations) and the account's configuration (2)."""

from typing import Final, Unpack

from ultravox_async._bulk.ids import Ids
from ultravox_async._bulk.source import Source
from ultravox_async._bulk.sweep import Sweep, Via
from ultravox_async._http.messages import Request
from ultravox_async._http.scheduler import Priority
from ultravox_async._http.transport import Transport
from ultravox_async._pagination import Page, Pager
from ultravox_async._wire.paths import encoded_query
from ultravox_async._wire.validation import check_count
from ultravox_async.resources._base import Resource, path_of
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

# More than the API may give; the pages that come say what it gives.
_SWEEP_PAGE_SIZE: Final = 1000


class SipRegistrations(Resource):
    """The SIP registrations of the account: ``ultravox.sip.registrations``."""

    async def get(self, registration_id: str) -> SipRegistration:
        """Fetch one registration.

        Args:
            registration_id: The id of the registration.

        Raises:
            InvalidRequestError: `registration_id` cannot be an id.
            NotFoundError: There is no such registration.
            UltravoxError: Whatever else can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("GET", _REGISTRATION, SipRegistration, registration_id=registration_id)

    def get_many(self, ids: Ids, *, concurrency: int = 50, via: Via = "auto") -> Sweep[SipRegistration]:
        """Fetch many registrations, concurrently.

        Iterate over what this returns for one `Outcome` per distinct id as they finish, or await it for a
        `BulkResult`; a task takes its ``collect()``. An id that fails never stops the others, but for one thing: after
        five 401s in a row nothing more is sent, and each id that is left has an `AuthenticationError` that says so.

        Args:
            ids: The ids; an iterable or an asynchronous iterable, which is read only as fast as ids are fetched.
            concurrency: The most requests in flight for this call, 1 or more.
            via: ``"get"`` sends one GET for each id. ``"list"`` reads the account's listing, up to 50,000 ids ahead,
                and sends a GET only for ids that it does not show, so that what is missing is a `NotFoundError` for
                certain. ``"auto"`` measures: for more than 100 ids whose number is known (a list, a set, ...) it reads
                the listing too, and goes on with it for as long as its pages bring ids sooner than GETs would. While
                a page is late, and where GETs are quicker, GETs take ids from the other end; the outcome of an id is
                the one that comes first, be it a value or an error. A value from the listing is as fresh as its page:
                a change made while later pages come is not in it.

        Raises:
            InvalidRequestError: `ids` is one string, `concurrency` is below 1, or there is no such `via`.
        """

        async def fetch(registration_id: str) -> SipRegistration:
            return await self._get_in_background(_REGISTRATION, SipRegistration, registration_id=registration_id)

        listing = self.list(page_size=_SWEEP_PAGE_SIZE)
        source = Source(SipRegistration, _REGISTRATION, fetch, listing, lambda found: found.registration_id)
        return Sweep(self._transport, ids, source, concurrency, via)

    def list(self, *, page_size: int | None = None, cursor: str | None = None) -> Pager[SipRegistration]:
        """List the registrations of the account.

        Iterate over what this returns for registrations, or over its ``pages()`` for `Page` objects.

        Args:
            page_size: The number of registrations on a page, 1 or more; None leaves it to the API, which may also
                give fewer than it is asked for.
            cursor: Where to go on, from `Page.next_cursor`; None for the beginning.

        Raises:
            InvalidRequestError: `page_size` is below 1.
        """
        if page_size is not None:
            check_count("page_size", page_size)
        query = encoded_query({"cursor": cursor, "pageSize": page_size})
        first = Request("GET", _REGISTRATIONS, query, priority=Priority.BACKGROUND)
        return Pager(self._transport, first, Page[SipRegistration])

    async def create(self, **registration: Unpack[NewSipRegistration]) -> SipRegistration:
        """Create a registration.

        Args:
            **registration: The fields of `NewSipRegistration`: `username`, `password` and `proxy`, and where they are
                needed `outbound_proxy` and `auth_user`.

        Raises:
            TypeError: A field is misspelt or missing; nothing was sent.
            InvalidRequestError: A field breaks its limit; nothing was sent.
            UltravoxError: Whatever else can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("POST", _REGISTRATIONS, SipRegistration, NewSipRegistration, registration)

    async def update(self, registration_id: str, **changes: Unpack[SipRegistrationChanges]) -> SipRegistration:
        """Change a registration: what is omitted stays as it is, None clears a field that may be null.

        Args:
            registration_id: The id of the registration.
            **changes: The fields of `SipRegistrationChanges`.

        Raises:
            TypeError: A field is misspelt; nothing was sent.
            InvalidRequestError: There is no change, or a field breaks its limit; nothing was sent.
            NotFoundError: There is no such registration.
            UltravoxError: Whatever else can go wrong; see `ultravox_async.errors`.
        """
        return await self._send(
            "PATCH", _REGISTRATION, SipRegistration, SipRegistrationChanges, changes, registration_id=registration_id
        )

    async def delete(self, registration_id: str) -> None:
        """Delete a registration.

        Args:
            registration_id: The id of the registration.

        Raises:
            InvalidRequestError: `registration_id` cannot be an id.
            NotFoundError: There is no such registration, or a first attempt whose answer was lost has deleted it.
            UltravoxError: Whatever else can go wrong; see `ultravox_async.errors`.
        """
        await self._transport.send(Request("DELETE", path_of(_REGISTRATION, registration_id=registration_id)))


class Sip(Resource):
    """SIP: ``ultravox.sip``."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport)
        self.registrations = SipRegistrations(transport)

    async def get_config(self) -> SipConfig:
        """Fetch the SIP configuration of the account.

        Raises:
            UltravoxError: Whatever can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("GET", _CONFIG, SipConfig)

    async def update_config(self, **changes: Unpack[SipConfigChanges]) -> SipConfig:
        """Change the SIP configuration of the account: what is omitted stays as it is.

        Args:
            **changes: The fields of `SipConfigChanges`.

        Raises:
            TypeError: A field is misspelt; nothing was sent.
            InvalidRequestError: There is no change, or a field breaks its limit; nothing was sent.
            UltravoxError: Whatever else can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("PATCH", _CONFIG, SipConfig, SipConfigChanges, changes)
