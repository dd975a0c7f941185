"""The examples in the help of commands: those that show something, and for the others one that is made up."""

import shlex
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from ultravox_async_cli.operations.parameters import Parameter, is_ids

_ID: Final = "3fa85f64-5717-4562-b3fc-2c963f66afa6"

_AGENT_CALL: Final = """'{"medium": {"webRtc": {}}}'"""
_TEMPLATE: Final = """'{"systemPrompt": "You remind {{name}} of an appointment."}'"""
_RULES: Final = """'{"maxCalls": 10, "windowSeconds": 60}'"""
_CRAWL: Final = """'{"startUrls": ["https://example.com"], "maxDepth": 1}'"""
_HTTP_TOOL: Final = """'{"http": {"baseUrlPattern": "https://example.com/tables", "httpMethod": "POST"}}'"""
_VOICE: Final = """'{"lmnt": {"voiceId": "lily"}}'"""

_WRITTEN: Final[Mapping[str, str]] = {
    "accounts telephony-config update": "--twilio @twilio.json",
    "accounts tts-api-keys update": "--eleven-labs env:ELEVEN_LABS_KEY --google null",
    "accounts usage calls": "--from-date 2026-07-01 --to-date 2026-07-31 --output yaml",
    "agents create": f"--name reminder --call-template {_TEMPLATE}",
    "agents create-call": f"""{_ID} --template-context name=Ann --medium '{{"webRtc": {{}}}}'""",
    "agents scheduled-batches create": f"{_ID} --calls {_AGENT_CALL} --window-start 2026-07-01T09:00",
    "agents telephony-xml": f"{_ID} --parameters CallSid=CA123",
    # A file, because it is the whole template: it takes the place of the old one.
    "agents update": f"{_ID} --call-template @template.json",
    "api-keys create": "--name deployment --expiry-date 2027-01-01T00:00Z --secret-file deployment.key",
    "call-throttles create": f"--name evenings --rules {_RULES}",
    "call-throttles replace": f"{_ID} --name evenings --rules {_RULES}",
    "calls create": "--system-prompt 'You sell bicycles.' --max-duration 5m --metadata campaign=summer",
    "calls list": "--from-date 2026-07-01 --metadata campaign=summer --sort=-created --fields callId --limit 9",
    "calls recording": f"{_ID} -o call.wav",
    "calls send-data-message": f"""{_ID} '{{"type": "user_text_message", "text": "Are you there?"}}'""",
    "calls sip-logs": f"{_ID} -o call.log",
    "calls stages audio": f"{_ID} {_ID} 0 -o words.wav",
    "calls wait": f"{_ID} --until ended --timeout 600",
    "corpora sources create": f"{_ID} --name manual --crawl {_CRAWL}",
    "corpora sources replace": f"{_ID} {_ID} --crawl {_CRAWL}",
    "corpora upload": f"{_ID} manual.pdf --description 'How it works'",
    "sip registrations create": "--username alice --proxy sip.example.com --password env:SIP_PASSWORD",
    "sip registrations list": "--output csv --fields registrationId,username,successful",
    "sip registrations update": f"{_ID} --outbound-proxy null --password @password.txt",
    "sip registrations watch": f"{_ID} --interval 10",
    "sip update-config": "--allow-all-agents --allowed-cidr-ranges 203.0.113.0/24",
    "tools create": f"--name book --definition {_HTTP_TOOL}",
    "tools import-openapi": "openapi.json",
    "tools replace": f"{_ID} --name book --definition {_HTTP_TOOL}",
    "voices clone": "ann.mp3 --name Ann",
    "voices create": f"--name Lily --definition {_VOICE}",
    "voices preview": f"--name Lily --definition {_VOICE} -o lily.wav",
    "voices replace": f"{_ID} --name Lily --definition {_VOICE}",
    "voices sample": f"{_ID} -o sample.wav",
}
"""What follows the name of a command."""

_SAMPLES: Final[Mapping[Any, str]] = {
    int: "3",
    float: "30",
    datetime: "2026-07-01T12:00Z",
    date: "2026-07-01",
    time: "17:30",
    timedelta: "90s",
}


def examples_of(words: Sequence[str], parameters: Sequence[Parameter]) -> tuple[str, ...]:
    """Return lines for a shell that show how a command is used."""
    command = " ".join(words)
    arguments = _WRITTEN.get(command) or _made_up(words, parameters)
    lines = [f"ultravox {command} {arguments}".rstrip()]
    if any(is_ids(one.kind) and one.is_required for one in parameters):
        lines.append(f"{lines[0].removesuffix(_ID)}@ids.txt --failed left.txt --output jsonl")
    return tuple(lines)


def _made_up(words: Sequence[str], parameters: Sequence[Parameter]) -> str:
    """Return arguments for what is required, and for a change, which needs one."""
    needed = [one for one in parameters if one.is_required]
    if words[-1].startswith("update"):
        needed.append(next(one for one in parameters if not one.is_required and one.kind in {str, bool}))
    return " ".join(part for one in needed for part in _sample(one))


def _sample(parameter: Parameter) -> Sequence[str]:
    if parameter.kind is bool:
        return [parameter.flag]
    value = shlex.quote(_value(parameter))
    return [value] if parameter.is_positional else [parameter.flag, value]


def _value(parameter: Parameter) -> str:
    if parameter.is_sensitive:
        return f"env:{parameter.name.upper()}"
    if parameter.choices:
        return parameter.choices[-1]
    if parameter.is_positional and parameter.kind is not int:
        return _ID
    kind = parameter.items or parameter.kind
    return "https://example.com" if parameter.name == "url" else _SAMPLES.get(kind, "example")
