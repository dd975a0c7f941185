"""A server to test against: it emulates the API, and fails in the ways that it is told to.

All operations of the API are served. What is behind some of them is left out, because a client cannot see it or because
it would not be the same twice:

- Webhooks and SIP fallback handlers are called, see `Emulator.webhooks` and `Emulator.call_in`. Callbacks and data
  connections are not, and no calls of scheduled batches are started.
- Nobody can join a call at its `joinUrl`: what happens to calls is said with `Emulator.calls`, or follows from reading.
- The use of the account in `GET /api/accounts/me/usage/…` and `…/billing/usage` is always zero.
- `priorCallId`, `enableGreetingPrompt` and `throttle` of a new call have no effect, and neither do call throttles.
- The contents of documents are not searched: a query finds each document of a corpus.
- `GET /api/schema/` is a document without operations.

Time is not that of the API:

- `Emulator` has no clock, and lives on 2026-01-01, see there. `python -m ultravox_async.testing` begins at the present.
  Objects are created a minute apart, so that all but the first of a collection have a `created` in the future.
- The signatures of webhooks and fallback handlers, and the pauses before repetitions, have the time of the machine.

Some of what the API does is documented nowhere. Here the emulator guesses:

- A call has a recording as soon as it has ended, if it was joined and created with `recordingEnabled`. The API may need
  some time for it. Until then, and for a running call, `GET /api/calls/{call_id}/recording` answers 404.
- A delivery of a webhook that is repeated is signed with the secrets that the webhook had at the first one, and with
  the time of the repetition.
- The clip of a message exists at once, while its call is running, too.
- A `callTemplate` in the PATCH of an agent takes the place of the old one. The API may keep what is omitted.
- A value that is not among those that the schema lists for a field is a 400, though the client sends it, because the
  API may get new ones.
- Selecting a tool that does not exist, or a name that several tools have, is a 400. The built-in tools can be selected
  by their names only, and are not listed.
"""

from ultravox_async.emulator_options import DEFAULT_API_KEY
from ultravox_async.testing._emulated_calls import EmulatedCalls
from ultravox_async.testing._emulated_webhooks import EmulatedWebhooks, WebhookDelivery
from ultravox_async.testing._emulator import Emulator
from ultravox_async.testing._faults import (
    CutBody,
    Delay,
    DropConnection,
    DropResponse,
    Fault,
    FaultRule,
    Garbage,
    Respond,
    Stall,
)
from ultravox_async.testing._files import StoredFile
from ultravox_async.testing._signing import data_connection_headers, webhook_headers
from ultravox_async.testing._sip_calls import SipCallOutcome
from ultravox_async.testing._storage import Storage
from ultravox_async.testing._wire import RecordedRequest

__all__ = [
    "DEFAULT_API_KEY",
    "CutBody",
    "Delay",
    "DropConnection",
    "DropResponse",
    "EmulatedCalls",
    "EmulatedWebhooks",
    "Emulator",
    "Fault",
    "FaultRule",
    "Garbage",
    "RecordedRequest",
    "Respond",
    "SipCallOutcome",
    "Stall",
    "Storage",
    "StoredFile",
    "WebhookDelivery",
    "data_connection_headers",
    "webhook_headers",
]
