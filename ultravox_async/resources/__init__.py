"""The operations of the API, one module for each tag.

The modules are loaded when they are first used: a program pays for the resources that it uses. This is the place for
that; everything else in the package is imported where a reader looks for it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ultravox_async.resources.accounts import Accounts as Accounts
    from ultravox_async.resources.agents import Agents as Agents
    from ultravox_async.resources.api_keys import ApiKeys as ApiKeys
    from ultravox_async.resources.call_throttles import CallThrottles as CallThrottles
    from ultravox_async.resources.calls import Calls as Calls
    from ultravox_async.resources.corpora import Corpora as Corpora
    from ultravox_async.resources.deleted_calls import DeletedCalls as DeletedCalls
    from ultravox_async.resources.models import Models as Models
    from ultravox_async.resources.schema import Schema as Schema
    from ultravox_async.resources.telephony import Telephony as Telephony
    from ultravox_async.resources.tools import Tools as Tools
    from ultravox_async.resources.voices import Voices as Voices
    from ultravox_async.resources.webhooks import Webhooks as Webhooks

_MODULES = {
    "Accounts": "accounts",
    "Agents": "agents",
    "ApiKeys": "api_keys",
    "CallThrottles": "call_throttles",
    "Calls": "calls",
    "Corpora": "corpora",
    "DeletedCalls": "deleted_calls",
    "Models": "models",
    "Schema": "schema",
    "Telephony": "telephony",
    "Tools": "tools",
    "Voices": "voices",
    "Webhooks": "webhooks",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
