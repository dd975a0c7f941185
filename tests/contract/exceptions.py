"""Where the package differs from the schema, each with the reason.

A property is called by its schema, ``SipConfig.allowedAgents``, and a query parameter by its name, ``?pageSize``; the
items of a list have ``[]`` behind that. The schemas that begin with "Patched" are called as those that they patch.

A test fails when a line is missing here, and also when a line is not needed any more.
"""

NOT_OPERATIONS = {
    "get_many": "fetches many objects by the operations of `get` and `list`",
}
"""Methods that are no operation: by their whole name, or by its last part."""

IDS = {
    "prefix": ("api_key_prefix", "the response calls it so, which is compared with what was asked for"),
}
"""Ids that have another name here, by that name, with the name in the path of the schema."""

NOT_SENT: dict[str, str] = {}
"""Properties that the schema lets a request have, and that no method takes."""

SENT_UNDECLARED: dict[str, str] = {}
"""Fields of a body that the schema does not have."""

NEEDED_HERE = {
    "APIKey.revoked": "a PUT without its only field would say nothing",
}
"""Fields of a request that are required here, and optional in the schema."""

OPTIONAL_HERE: dict[str, str] = {}
"""Fields of a request that are optional here, and required in the schema."""

NULLABLE_IN_A_REQUEST: dict[str, str] = {}
"""Fields of a request that may be None where the schema has no null, or the other way round."""

KINDS = {
    "?durationMax": "a duration; the schema only says in prose what such a string looks like",
    "?durationMin": "the same",
    "?fromDate": "a date, or a datetime, which is a date in Python too",
    "?toDate": "the same",
    "Account.freeTimeRemaining": "a duration; the schema does not say what such a string looks like",
    "Account.freeTimeUsed": "the same",
    "CallStatistics.duration": "the same",
    "CallTombstone.maxDuration": "the same",
    "DailyCallStatistics.duration": "the same",
    "HourlyCallStatistics.duration": "the same",
}
"""Values that have another type here."""

LIMITS = {
    "?cursor": "the listing of invoices alone refuses an empty one, which nobody is given",
    "?pageSize": "a listing of empty pages would never end; the API may return fewer results than any page size",
    "Webhook.secrets": "as those of a FallbackHandler, which the schema limits: a list of none would sign nothing",
}
"""Values in requests that have another minimum or maximum here."""

FORMATS: dict[str, str] = {}
"""Strings in requests that have another format here."""

ENUMERATIONS: dict[str, str] = {}
"""Values whose literals are not those of the schema."""

SENSITIVE = {
    "APIKeyCreate.secret": "the key itself",
    "Account.billingUrl": "whoever has the URL can manage the billing",
    "FallbackHandler.secrets": "they sign requests; the schema shows them to whoever has the key",
    "Invoice.invoiceUrl": "whoever has the URL can see the invoice",
    "SetTtsApiKeysRequest.cartesia": "a key of another provider; the schema describes requests only",
    "SetTtsApiKeysRequest.elevenLabs": "the same",
    "SetTtsApiKeysRequest.google": "the same",
    "SetTtsApiKeysRequest.inworld": "the same",
    "SetTtsApiKeysRequest.lmnt": "the same",
    "SetTtsApiKeysRequest.respeecher": "the same",
    "Webhook.secrets": "they sign requests; the schema shows them to whoever has the key",
}
"""Values that are secrets although the schema does not call them write-only, or the other way round."""

NOT_ON_THE_CLASS: dict[str, str] = {}
"""Properties of responses that the class does not have; what is write-only is never sent."""

ON_THE_CLASS_UNDECLARED: dict[str, str] = {}
"""Fields of a class that the schema does not have."""

REQUIRED_ON_THE_CLASS: dict[str, str] = {}
"""Fields without which a response does not decode, although the schema does not require them."""

DEFAULTS = {
    "SipConfig.allowAllAgents": "the default of the schema: absent is False",
}
"""Fields of a response whose absence is neither None nor an empty list or dict."""

RESULTS = {
    "GET /api/schema/": "a document that belongs to no class: dicts and lists, or a text",
}
"""Operations whose response is decoded into something else than the class of its schema."""

NOT_IN_THE_SCHEMA = {
    "account_telephony.TelephonySettings": "what the three classes for what is sent have in common",
    "telephony.CallCreation": "what the fields of the three providers have in common",
    "telephony.TelephonyConfig": "what the three classes of responses have in common",
}
"""Classes that stand for no schema."""
