"""SIP: registrations (5 operations) and the account's configuration (2)."""

from collections.abc import Mapping
from typing import Final, Unpack, cast

from ultravox_async._bulk import Ids, Source, Sweep, Via
from ultravox_async._http.messages import Request
from ultravox_async._http.scheduler import Priority
from ultravox_async._http.transport import Transport
from ultravox_async._pagination import Page, Pager
from ultravox_async._wire.paths import encoded_query, segment
from ultravox_async._wire.payload import Body, create_body, take_secrets, update_body
from ultravox_async._wire.validation import (
    Rule,
    agent_allowance,
    boolean,
    check_count,
    fallback_handler,
    ipv4_cidr,
    nullable,
    secret_text,
    sequence,
    text,
)
from ultravox_async.resources._base import Resource
from ultravox_async.types import SipConfig, SipConfigChanges, SipRegistration, SipRegistrationChanges

_CONFIG: Final = "/api/sip"
_REGISTRATIONS: Final = "/api/sip/registrations"
_ID: Final = "registrationId"

# More than the API may give; the pages that come say what it gives.
_SWEEP_PAGE_SIZE: Final = 1000

_REGISTRATION_RULES: Final[Mapping[str, Rule]] = {
    "username": text(60),
    "password": secret_text,
    "proxy": text(100),
    "outbound_proxy": nullable(text(100)),
    "auth_user": nullable(text(60)),
}
_CONFIG_RULES: Final[Mapping[str, Rule]] = {
    "allowed_cidr_ranges": sequence(ipv4_cidr),
    "allow_all_agents": boolean,
    "allowed_agents": sequence(agent_allowance, 20),
    "fallback_handler": nullable(fallback_handler),
}


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
        return await self._transport.fetch(_registration("GET", registration_id), SipRegistration)

    def get_many(self, ids: Ids, *, concurrency: int = 50, via: Via = "auto") -> Sweep[SipRegistration]:
        """Fetch many registrations, concurrently.

        Iterate over what this returns for one `Outcome` per distinct id as they finish, or await it for a
        `BulkResult`; a task takes its ``collect()``. An id that fails never stops the others.

        Args:
            ids: The ids; an iterable or an asynchronous iterable, which is read only as fast as ids are fetched.
            concurrency: The most requests in flight for this call, 1 or more.
            via: ``"get"`` sends one GET for each id. ``"list"`` reads the account's listing, up to 50,000 ids ahead,
                and sends a GET only for ids that it does not show, so that what is missing is a `NotFoundError` for
                certain. ``"auto"`` does the latter for ids whose number is known (a list, a set, ...), where the
                pages come sooner than one GET for each id would: it looks at the number of ids and of
                registrations, the page size and latency of the pages so far, and the pace. A value from the listing
                is as fresh as its page: a change made while later pages come is not in it.

        Raises:
            InvalidRequestError: `ids` is one string, `concurrency` is below 1, or there is no such `via`.
        """

        async def fetch(registration_id: str) -> SipRegistration:
            return await self._transport.fetch(
                _registration("GET", registration_id, priority=Priority.BACKGROUND), SipRegistration
            )

        source = Source(
            SipRegistration,
            f"{_REGISTRATIONS}/{{registration_id}}",
            fetch,
            self.list(page_size=_SWEEP_PAGE_SIZE),
            lambda found: found.registration_id,
        )
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

    async def create(
        self,
        *,
        username: str,
        password: str,
        proxy: str,
        outbound_proxy: str | None = None,
        auth_user: str | None = None,
    ) -> SipRegistration:
        """Create a registration.

        Args:
            username: The SIP username to register as, at most 60 characters.
            password: The SIP password of the username; the API never gives it back.
            proxy: The SIP server to register with, at most 100 characters.
            outbound_proxy: The proxy through which to reach the SIP server, at most 100 characters; None for none.
            auth_user: The username for authentication, at most 60 characters; None for the same as `username`.

        Raises:
            InvalidRequestError: A field breaks its limit; nothing was sent.
            UltravoxError: Whatever else can go wrong; see `ultravox_async.errors`.
        """
        fields = take_secrets({"username": username, "password": password, "proxy": proxy})
        del password
        optional = {"outbound_proxy": outbound_proxy, "auth_user": auth_user}
        fields |= take_secrets({name: value for name, value in optional.items() if value is not None})
        body = create_body(fields, _REGISTRATION_RULES)
        return await self._transport.fetch(Request("POST", _REGISTRATIONS, body=body), SipRegistration)

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
        body = update_body(take_secrets(cast("dict[str, object]", changes)), _REGISTRATION_RULES)
        return await self._transport.fetch(_registration("PATCH", registration_id, body=body), SipRegistration)

    async def delete(self, registration_id: str) -> None:
        """Delete a registration.

        Args:
            registration_id: The id of the registration.

        Raises:
            InvalidRequestError: `registration_id` cannot be an id.
            NotFoundError: There is no such registration, or a first attempt whose answer was lost has deleted it.
            UltravoxError: Whatever else can go wrong; see `ultravox_async.errors`.
        """
        await self._transport.send(Request("DELETE", _path(registration_id)))


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
        return await self._transport.fetch(Request("GET", _CONFIG), SipConfig)

    async def update_config(self, **changes: Unpack[SipConfigChanges]) -> SipConfig:
        """Change the SIP configuration of the account: what is omitted stays as it is.

        Args:
            **changes: The fields of `SipConfigChanges`.

        Raises:
            TypeError: A field is misspelt; nothing was sent.
            InvalidRequestError: There is no change, or a field breaks its limit; nothing was sent.
            UltravoxError: Whatever else can go wrong; see `ultravox_async.errors`.
        """
        body = update_body(take_secrets(cast("dict[str, object]", changes)), _CONFIG_RULES)
        return await self._transport.fetch(Request("PATCH", _CONFIG, body=body), SipConfig)


def _path(registration_id: str) -> str:
    return f"{_REGISTRATIONS}/{segment(registration_id, 'registration_id')}"


def _registration(
    method: str, registration_id: str, *, body: Body | None = None, priority: Priority = Priority.INTERACTIVE
) -> Request:
    """Return a request whose answer has to be this registration."""
    return Request(method, _path(registration_id), body=body, priority=priority, identity=(_ID, registration_id))
