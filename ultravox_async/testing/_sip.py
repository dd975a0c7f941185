"""The seven SIP operations: a request in, an answer out, no socket in sight."""

import base64
import binascii
import random
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeAlias, cast
from urllib.parse import quote, unquote

import attrs

from ultravox_async.testing._registrations import Registrations
from ultravox_async.testing._validation import Invalid, check_fields, json_object
from ultravox_async.testing._wire import Answer, Json, RecordedRequest, detail, json_answer
from ultravox_async.types.sip import NewSipRegistration, SipConfigChanges, SipRegistrationChanges

_CONFIG_PATH = "/api/sip"
_REGISTRATIONS_PATH = "/api/sip/registrations"

_Operation: TypeAlias = Callable[[RecordedRequest], Answer]

_NO_SUCH_REGISTRATION = detail(404, "No such registration")


@attrs.define(eq=False)
class SipApi:
    """The SIP part of one account."""

    registrations: Registrations
    """The registrations of the account."""

    seed: int
    """What decides about everything that is made up."""

    page_size: int
    """How many registrations a page has when the request does not say."""

    max_page_size: int
    """How many registrations a page has at most."""

    _random: random.Random = attrs.field(init=False)
    _config: dict[str, Json] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        """Make up the account's configuration."""
        self._random = random.Random(self.seed)  # noqa: S311 - has to be repeatable, guards nothing
        self._config = {
            "allowedCidrRanges": ["0.0.0.0/0"],
            "allowAllAgents": False,
            "allowedAgents": [],
            "fallbackHandler": None,
            "domain": f"{self._random.getrandbits(32):08x}.sip.example.com",
        }

    def answer(self, request: RecordedRequest, origin: str) -> Answer:
        """Carry out a request; `origin` is what links to other pages begin with."""
        operations = self._operations_at(request.path, origin)
        if operations is None:
            return detail(404, "Nothing is served at this path.")
        operation = operations.get(request.method)
        if operation is None:
            allowed = {"Allow": ", ".join(operations)}
            return detail(405, f"Method {request.method} is not allowed at this path.", allowed)
        try:
            return operation(request)
        except Invalid as invalid:
            return json_answer(400, invalid.errors)

    def _operations_at(self, path: str, origin: str) -> Mapping[str, _Operation] | None:
        if path == _CONFIG_PATH:
            return {"GET": self._get_config, "PATCH": self._update_config}
        if path == _REGISTRATIONS_PATH:
            return {"GET": partial(self._list, f"{origin}{_REGISTRATIONS_PATH}"), "POST": self._create}
        parent, _, last = path.rpartition("/")
        if parent == _REGISTRATIONS_PATH and last:
            registration_id = unquote(last)
            return {
                "GET": partial(self._get, registration_id),
                "PATCH": partial(self._update, registration_id),
                "DELETE": partial(self._delete, registration_id),
            }
        return None

    def _get_config(self, _request: RecordedRequest) -> Answer:
        return json_answer(200, self._config)

    def _update_config(self, request: RecordedRequest) -> Answer:
        fields = check_fields(SipConfigChanges, json_object(request.body))
        agents = fields.get("allowedAgents")
        if isinstance(agents, list):
            fields["allowedAgents"] = [_with_pattern(agent) for agent in agents]
        handler = fields.get("fallbackHandler")
        if isinstance(handler, dict):
            fields["fallbackHandler"] = {"secrets": [f"{self._random.getrandbits(160):040x}"], **handler}
        self._config.update(fields)
        return json_answer(200, self._config)

    def _list(self, url: str, request: RecordedRequest) -> Answer:
        size = _page_size(request.query.get("pageSize"), self.page_size, self.max_page_size)
        find, position = self.registrations.starting_at, 0
        if "cursor" in request.query:
            cursor = _read_cursor(request.query["cursor"])
            if cursor is None:
                return detail(404, "Invalid cursor")
            direction, position = cursor
            find = self.registrations.ending_before if direction == "before" else self.registrations.starting_at
        found = find(position, size)
        return json_answer(
            200,
            {
                "next": None if found.after is None else _page_url(url, "from", found.after, size),
                "previous": None if found.before is None else _page_url(url, "before", found.before, size),
                "results": [self.registrations.read(registration) for registration in found.registrations],
                "total": len(self.registrations),
            },
        )

    def _create(self, request: RecordedRequest) -> Answer:
        fields = check_fields(NewSipRegistration, json_object(request.body))
        registration = self.registrations.create(str(fields["password"]), fields)
        return json_answer(201, registration.wire)

    def _get(self, registration_id: str, _request: RecordedRequest) -> Answer:
        registration = self.registrations.find(registration_id)
        if registration is None:
            return _NO_SUCH_REGISTRATION
        return json_answer(200, self.registrations.read(registration))

    def _update(self, registration_id: str, request: RecordedRequest) -> Answer:
        registration = self.registrations.find(registration_id)
        if registration is None:
            return _NO_SUCH_REGISTRATION
        fields = check_fields(SipRegistrationChanges, json_object(request.body))
        self.registrations.change(registration, fields)
        return json_answer(200, registration.wire)

    def _delete(self, registration_id: str, _request: RecordedRequest) -> Answer:
        registration = self.registrations.find(registration_id)
        if registration is None:
            return _NO_SUCH_REGISTRATION
        self.registrations.remove(registration)
        return Answer(204)


def _with_pattern(allowance: Json) -> Json:
    sent = cast("dict[str, Json]", allowance)
    agent_id = str(sent["agentId"]).lower()
    return {"toUserPattern": f"^agent_{agent_id}$", **sent, "agentId": agent_id}


def _page_size(asked: str | None, default: int, most: int) -> int:
    try:
        size = default if asked is None else int(asked)
    except ValueError:
        size = default
    return min(max(size, 1), most)


def _page_url(url: str, direction: str, position: int, size: int) -> str:
    cursor = base64.urlsafe_b64encode(f"{direction}={position}".encode()).decode()
    return f"{url}?cursor={quote(cursor)}&pageSize={size}"


def _read_cursor(cursor: str) -> tuple[str, int] | None:
    try:
        content = base64.b64decode(cursor.encode(), altchars=b"-_", validate=True)
    except binascii.Error:
        return None
    match = re.fullmatch(rb"(from|before)=([0-9]{1,18})", content)
    return (match[1].decode(), int(match[2])) if match else None
