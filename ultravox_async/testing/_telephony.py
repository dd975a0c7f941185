"""The configurations of telephony providers, each of which exists or not."""

from collections.abc import Mapping
from functools import partial

import attrs

from ultravox_async._wire.names import wire_name
from ultravox_async._wire.rules import fields_of
from ultravox_async.testing._routing import ApiRequest, NotFound, Operations
from ultravox_async.testing._validation import check_fields, json_object
from ultravox_async.testing._wire import Answer, Json, json_answer
from ultravox_async.types.account_telephony import AccountTelephonyConfigChanges
from ultravox_async.types.telephony import (
    NewPlivoConfig,
    NewTelnyxConfig,
    NewTwilioConfig,
    PlivoConfig,
    PlivoConfigChanges,
    TelnyxConfig,
    TelnyxConfigChanges,
    TwilioConfig,
    TwilioConfigChanges,
)

_PREFIX_LENGTH = 4


@attrs.define(eq=False)
class ProviderConfig:
    """The configuration of one provider. Answers show the beginnings of its secrets."""

    shows: type[attrs.AttrsInstance]
    """The class that a client decodes it into."""

    new: type
    """The TypedDict of a creation."""

    changes: type
    """The TypedDict of a change."""

    shown: dict[str, Json] | None = attrs.field(init=False, default=None)
    """The fields that answers show; None if there is no configuration."""

    def get(self, _request: ApiRequest) -> Answer:
        """Show it."""
        return json_answer(200, self._existing())

    def create(self, request: ApiRequest) -> Answer:
        """Create it, in the place of one that may exist."""
        self.set_all(check_fields(self.new, json_object(request.body)))
        return json_answer(201, self.shown)

    def update(self, request: ApiRequest) -> Answer:
        """Set those fields that the request has."""
        self._set(self._existing(), check_fields(self.changes, json_object(request.body)))
        return json_answer(200, self.shown)

    def delete(self, _request: ApiRequest) -> Answer:
        """Delete it."""
        self._existing()
        self.shown = None
        return Answer(204)

    def set_all(self, fields: Mapping[str, Json]) -> None:
        """Make this the configuration."""
        names = [wire_name(name) for name in fields_of(self.shows)]
        defaults: dict[str, Json] = {
            "callCreationAllowedAgentIds": [],
            "callCreationAllowAllAgents": False,
            "requestContextMapping": {},
        }
        self.shown = {**dict.fromkeys(names), **defaults}
        self._set(self.shown, fields)

    def _existing(self) -> dict[str, Json]:
        if self.shown is None:
            raise NotFound("No such telephony configuration")
        return self.shown

    def _set(self, shown: dict[str, Json], fields: Mapping[str, Json]) -> None:
        for name, value in fields.items():
            if name in shown:
                shown[name] = value
            else:
                shown[f"{name}Prefix"] = {"prefix": str(value)[:_PREFIX_LENGTH]}


@attrs.define(eq=False)
class Telephony:
    """The configurations of all providers."""

    providers: Mapping[str, ProviderConfig]
    """The configurations, by the names of the providers."""

    def operations(self) -> Operations:
        """The operations on the configurations."""
        each: Operations = {
            f"/api/telephony_configs/{name}": {
                "GET": provider.get,
                "POST": provider.create,
                "PATCH": provider.update,
                "DELETE": provider.delete,
            }
            for name, provider in self.providers.items()
        }
        return {
            **each,
            "/api/accounts/me/telephony_config": {
                "GET": self._show_all,
                "PATCH": partial(self._update_all, AccountTelephonyConfigChanges),
            },
        }

    def _show_all(self, _request: ApiRequest) -> Answer:
        return json_answer(200, {name: provider.shown for name, provider in self.providers.items()})

    def _update_all(self, shape: type, request: ApiRequest) -> Answer:
        for name, config in check_fields(shape, json_object(request.body)).items():
            if isinstance(config, dict):
                self.providers[name].set_all(config)
            else:
                self.providers[name].shown = None
        return self._show_all(request)


def new_telephony() -> Telephony:
    """An account that has no configuration."""
    return Telephony(
        {
            "twilio": ProviderConfig(TwilioConfig, NewTwilioConfig, TwilioConfigChanges),
            "telnyx": ProviderConfig(TelnyxConfig, NewTelnyxConfig, TelnyxConfigChanges),
            "plivo": ProviderConfig(PlivoConfig, NewPlivoConfig, PlivoConfigChanges),
        }
    )
