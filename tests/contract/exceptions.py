"""Where the package differs from the schema, each with the reason.

A property is called by its schema, ``SipConfig.allowedAgents``, and a query parameter by its name, ``?pageSize``; the
items of a list have ``[]`` behind that. The schemas that begin with "Patched" are called as those that they patch.

A test fails when a line is missing here, and also when a line is not needed any more.
"""

NOT_OPERATIONS = {
    "corpora.upload": "requests an upload, stores the file, and creates a source",
    "calls.delete_when_billed": "repeats `delete` until the call is billed",
    "calls.hang_up": "sends a data message",
    "calls.transcript": "lists messages",
    "calls.wait": "repeats `get`",
    "sip.registrations.wait_until_registered": "repeats `get`",
    "sip.registrations.watch": "repeats `get` and `list`",
    "get_many": "fetches many objects by the operations of `get` and `list`",
}
"""Methods that are no operation: by their whole name, or by its last part."""

IDS = {
    "message_index": ("call_stage_message_index", "shorter, and no other message has an index"),
    "prefix": ("api_key_prefix", "the response calls it so, which is compared with what was asked for"),
}
"""Ids that have another name here, by that name, with the name in the path of the schema."""

NOT_SENT = {
    "ultravox.v1.Corpus.corpusId": "set by the server; the schema marks nothing as read-only in all of ultravox.v1",
    "ultravox.v1.Corpus.created": "the same",
    "ultravox.v1.Corpus.stats": "the same",
    "ultravox.v1.CorpusSource.corpusId": "the same",
    "ultravox.v1.CorpusSource.created": "the same",
    "ultravox.v1.CorpusSource.sourceId": "the same",
    "ultravox.v1.CorpusSource.stats": "the same",
    "ultravox.v1.StartAgentCallRequest.agentId": "in the path",
}
"""Properties that the schema lets a request have, and that no method takes."""

SENT_UNDECLARED = {
    "POST /api/agents/{agent_id}/telephony_xml.type": "what a provider sends; the schema does not say",
    "POST /api/tools/{tool_id}/test.type": "the parameters of the tool; the schema does not say that there is a body",
}
"""Fields of a body that the schema does not have."""

NEEDED_HERE = {
    "ultravox.v1.AdvancedSpec_DocumentDetails.documentId": "the schema requires nothing in ultravox.v1",
    "ultravox.v1.QueryCorpusRequest.query": "the same",
    "APIKey.revoked": "a PUT without its only field would say nothing",
}
"""Fields of a request that are required here, and optional in the schema."""

OPTIONAL_HERE: dict[str, str] = {}
"""Fields of a request that are optional here, and required in the schema."""

NULLABLE_IN_A_REQUEST = {
    "Agent.callTemplate": "the schema has one description for POST, where null would say nothing, and for PATCH",
    "CorpusUploadsRequest.fileName": "in a POST, None stands for what is left out",
    "ultravox.v1.QueryCorpusRequest.maxResults": "the same",
}
"""Fields of a request that may be None where the schema has no null, or the other way round."""

KINDS = {
    "Call.billedDuration": "a duration; the schema does not say what such a string looks like",
    "Call.joinTimeout": "the same",
    "Call.maxDuration": "the same",
    "CallEvent.callTimestamp": "a duration since the beginning of the call; likewise",
    "CallEvent.wallClockTimestamp": "the same",
    "CallSipDetails.billedDuration": "a duration; the schema does not say what such a string looks like",
    "ScheduledCall.metadata": "a map, of which the schema says nothing",
    "ScheduledCall.templateContext": "the same",
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
    "ultravox.v1.AdvancedSpec_DocumentDetails.exampleQueries": "the limits that the description gives in prose",
    "ultravox.v1.AdvancedSpec_DocumentDetails.exampleQueries[]": "the same",
    "ultravox.v1.CallTemplate.temperature": "0 to 1, as the schema says of Call.temperature",
    "ultravox.v1.StartCallRequest.temperature": "the same",
    "?cursor": "the listing of invoices alone refuses an empty one, which nobody is given",
    "?pageSize": "a listing of empty pages would never end; the API may return fewer results than any page size",
    "Webhook.secrets": "as those of a FallbackHandler, which the schema limits: a list of none would sign nothing",
}
"""Values in requests that have another minimum or maximum here."""

FORMATS = {
    "ultravox.v1.BaseToolDefinition.modelToolName": "the pattern that the description gives in prose",
    "ultravox.v1.SelectedTool.nameOverride": "the same",
}
"""Strings in requests that have another format here."""

ENUMERATIONS = {
    "Call.firstSpeaker": "with the UNSPECIFIED of requests: one alias for both",
    "Call.initialOutputMedium": "the same",
    "Voice.provider": "the providers that the listing can be filtered by",
}
"""Values whose literals are not those of the schema."""

SENSITIVE = {
    "ScheduledCallBatch.calls": "write-only, but no secret as a whole: what is one in it is marked there",
    "Call.joinUrl": "whoever has the URL can join the call",
    "CorpusUploadsResponse.presignedUrl": "whoever has the URL can upload",
    "ScheduledCallBatch.webhookSecret": "it signs requests",
    "ultravox.v1.CallTemplate.sharedSecrets": "they sign connections",
    "ultravox.v1.Callback.secrets": "they sign requests",
    "ultravox.v1.DataConnectionConfig.headers": "they may hold credentials",
    "ultravox.v1.GenericVoice.headers": "the same",
    "ultravox.v1.HttpCallToolDetails.authHeaders": "the same",
    "ultravox.v1.HttpCallToolDetails.authQueryParams": "the same",
    "ultravox.v1.SelectedTool.authTokens": "credentials",
    "ultravox.v1.SipMedium_SipOutgoing.password": "a password",
    "ultravox.v1.StartAgentCallRequest.sharedSecrets": "they sign connections",
    "ultravox.v1.StartCallRequest.sharedSecrets": "the same",
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

REQUIRED_ON_THE_CLASS = {
    "ultravox.v1.AdvancedSpec_DocumentDetails.documentId": "identity; nothing is required in ultravox.v1",
    "ultravox.v1.Corpus.corpusId": "the same",
    "ultravox.v1.Corpus.created": "the same",
    "ultravox.v1.CorpusDocument.corpusId": "the same",
    "ultravox.v1.CorpusDocument.created": "the same",
    "ultravox.v1.CorpusDocument.documentId": "the same",
    "ultravox.v1.CorpusDocument.sourceId": "the same",
    "ultravox.v1.CorpusSource.corpusId": "the same",
    "ultravox.v1.CorpusSource.created": "the same",
    "ultravox.v1.CorpusSource.sourceId": "the same",
}
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
    "sip_fallback.SipRejection": "it is in the schema, and no operation of it sends it",
    "voices.NewClonedVoice": "the form of an operation, which has no schema with a name",
    "data_messages.ForcedAgentMessage": "the schema says of a data message that it has a type, and no more",
    "data_messages.ForcedToolCall": "the same",
    "data_messages.HangUp": "the same",
    "data_messages.UserTextMessage": "the same",
    "sip_fallback.IncomingSipCall": "the schema does not describe requests that the API makes",
    "shared.tools.SelectedToolOptions": "the arguments of the constructors of SelectedTool",
    "account_telephony.TelephonySettings": "what the three classes for what is sent have in common",
    "telephony.CallCreation": "what the fields of the three providers have in common",
    "telephony.TelephonyConfig": "what the three classes of responses have in common",
}
"""Classes that stand for no schema."""
