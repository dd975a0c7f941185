"""What the drift command tells of versions of the schema that are changed in one way each."""

import copy
import json
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

import attrs
import pytest

from tests.contract.differences import Difference, Group
from tests.contract.document import SCHEMA, Document, Json, needs_schema, the_document
from tests.contract.drift import drift, main, report

pytestmark = needs_schema

Edit = Callable[[Json], object]


@cache
def changed(edit: Edit) -> Document:
    """Return a version that is changed, and that no test changes further: what is found in it is cached."""
    content = copy.deepcopy(the_document().content)
    edit(content)
    return Document(content)


def schema(content: Json, name: str) -> Json:
    found: Json = content["components"]["schemas"][name]
    return found


def field(content: Json, name: str, field_name: str) -> Json:
    found: Json = schema(content, name)["properties"][field_name]
    return found


def new_operation(content: Json) -> None:
    content["paths"]["/api/calls/{call_id}/pause"] = {
        "post": {
            "responses": {
                "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Call"}}}},
            }
        }
    }


def new_listing(content: Json) -> None:
    content["paths"]["/api/accounts/me/billing/receipts"] = {"get": content["paths"]["/api/calls"]["get"]}


def moved(content: Json) -> None:
    content["paths"]["/api/v2/calls"] = content["paths"].pop("/api/calls")


def new_parameter(content: Json) -> None:
    text = {"type": "string", "maxLength": 9}
    content["paths"]["/api/calls"]["get"]["parameters"].append({"in": "query", "name": "sipTrunk", "schema": text})


def new_required_field(content: Json) -> None:
    schema(content, "Webhook")["properties"]["ownerName"] = {"type": "string", "maxLength": 40}
    schema(content, "Webhook")["required"].append("ownerName")


def new_schema(content: Json) -> None:
    content["components"]["schemas"]["Weather"] = {"type": "object", "properties": {"degrees": {"type": "number"}}}
    schema(content, "Call")["properties"]["localWeather"] = {"$ref": "#/components/schemas/Weather"}


@attrs.frozen
class Case:
    """A change, with what is told of it."""

    edit: Edit
    group: Group
    subject: str
    text: str
    """A part of the text."""


CASES = {
    "a new operation": Case(
        new_operation,
        Group.MISSING,
        "calls.pause",
        "no method for POST /api/calls/{call_id}/pause, which returns Call",
    ),
    "a new listing": Case(
        new_listing, Group.MISSING, "accounts.billing.receipts.list", "no method for GET /api/accounts/me/billing/rec"
    ),
    "a vanished operation": Case(
        lambda content: content["paths"]["/api/sip/registrations/{registration_id}"].pop("delete"),
        Group.BREAKS,
        "sip.registrations.delete",
        "the API has no DELETE /api/sip/registrations/{registration_id}: deprecate or remove it",
    ),
    "a moved operation": Case(
        moved, Group.BREAKS, "calls.create", "is POST /api/v2/calls now: change the path in resources.calls"
    ),
    "a new parameter": Case(
        new_parameter,
        Group.MISSING,
        "calls.list",
        "lacks `sip_trunk: NotRequired[Annotated[str, MaxLen(9), InQuery]]`, in types.calls.CallFilters",
    ),
    "a vanished parameter": Case(
        lambda content: content["paths"]["/api/calls"]["get"].update(parameters=[]),
        Group.BREAKS,
        "calls.list",
        "takes ?sort, which the API does not know: remove it from types.calls.CallFilters",
    ),
    "a parameter that became required": Case(
        lambda content: content["paths"]["/api/calls"]["get"]["parameters"][0].update(required=True),
        Group.BREAKS,
        "types.shared.call_filters.CallConditions",
        "agent_ids: optional here, and required in the API",
    ),
    "a new field of responses": Case(
        lambda content: schema(content, "Call")["properties"].update(
            createdBy={"type": "string", "readOnly": True, "nullable": True}
        ),
        Group.MISSING,
        "types.calls.Call",
        "lacks `created_by: str | None = None`",
    ),
    "a new list in responses": Case(
        lambda content: schema(content, "Call")["properties"].update(
            followedBy={"type": "array", "items": {"type": "string", "format": "date-time"}, "readOnly": True}
        ),
        Group.MISSING,
        "types.calls.Call",
        "lacks `followed_by: list[datetime] = attrs.field(factory=list[datetime])`",
    ),
    "a vanished field that is identity": Case(
        lambda content: schema(content, "Call")["properties"].pop("callId"),
        Group.BREAKS,
        "types.calls.Call",
        "call_id: not in the API's responses, and nothing decodes without it",
    ),
    "a vanished field that is not identity": Case(
        lambda content: schema(content, "Call")["properties"].pop("shortSummary"),
        Group.MISSING,
        "types.calls.Call",
        "short_summary: not in the API's responses",
    ),
    "identity that became optional": Case(
        lambda content: schema(content, "Call")["required"].remove("callId"),
        Group.BREAKS,
        "types.calls.Call",
        "call_id: optional in the API, and nothing decodes without it",
    ),
    "a new field of requests": Case(
        lambda content: schema(content, "ultravox.v1.StartCallRequest")["properties"].update(
            waitingMusic={"type": "string", "format": "uri"}
        ),
        Group.MISSING,
        "types.calls.StartCall",
        "lacks `waiting_music: NotRequired[Annotated[str, HTTP_URL]]`",
    ),
    "a new required field of requests": Case(
        new_required_field,
        Group.BREAKS,
        "types.webhooks.NewWebhook",
        "lacks `owner_name: Annotated[str, MaxLen(40)]`",
    ),
    "a field of requests that became required": Case(
        lambda content: schema(content, "SipRegistration")["required"].append("outboundProxy"),
        Group.BREAKS,
        "types.sip.NewSipRegistration",
        "outbound_proxy: optional here, and required in the API",
    ),
    "a vanished field of requests": Case(
        lambda content: schema(content, "ultravox.v1.StartCallRequest")["properties"].pop("model"),
        Group.BREAKS,
        "types.calls.StartCall",
        "sends model, which the API does not take",
    ),
    "a tightened limit": Case(
        lambda content: field(content, "SipRegistration", "proxy").update(maxLength=50),
        Group.BREAKS,
        "types.sip.NewSipRegistration",
        "proxy: the API has MaxLen(50); here is MaxLen(100)",
    ),
    "a widened limit": Case(
        lambda content: field(content, "SipRegistration", "proxy").update(maxLength=500),
        Group.MISSING,
        "types.sip.NewSipRegistration",
        "proxy: the API has MaxLen(500); here is MaxLen(100)",
    ),
    "a limit of items": Case(
        lambda content: field(content, "PatchedSipConfig", "allowedCidrRanges")["items"].update(maxLength=5),
        Group.BREAKS,
        "types.sip.SipConfigChanges",
        "allowed_cidr_ranges[]: the API has MaxLen(5)",
    ),
    "a format": Case(
        lambda content: field(content, "SipRegistration", "proxy").update(format="uri"),
        Group.BREAKS,
        "types.sip.NewSipRegistration",
        "proxy: the API takes an absolute http or https URL; here it is any text",
    ),
    "a new value": Case(
        lambda content: schema(content, "BillingStatusEnum")["enum"].append("BILLING_STATUS_LATE"),
        Group.MISSING,
        "types.calls.BillingStatus",
        'lacks the value "BILLING_STATUS_LATE"',
    ),
    "a vanished value of responses": Case(
        lambda content: schema(content, "BillingStatusEnum")["enum"].pop(0),
        Group.MISSING,
        "types.calls.BillingStatus",
        "which the API does not have",
    ),
    "a vanished value of requests": Case(
        lambda content: schema(content, "EventsEnum")["enum"].remove("call.ended"),
        Group.BREAKS,
        "types.webhooks.WebhookEvent",
        'has the value "call.ended", which the API does not have',
    ),
    "another type": Case(
        lambda content: field(content, "Call", "summary").update(type="integer"),
        Group.BREAKS,
        "types.calls.Call",
        "summary: int in the API; here str",
    ),
    "null in a response": Case(
        lambda content: field(content, "SipRegistration", "proxy").update(nullable=True),
        Group.BREAKS,
        "types.sip.SipRegistration",
        "proxy: may be null, which is refused",
    ),
    "null in a request": Case(
        lambda content: field(content, "SipRegistration", "proxy").update(nullable=True),
        Group.MISSING,
        "types.sip.NewSipRegistration",
        "proxy: may be null in the API, and not be None here",
    ),
    "no null in a request": Case(
        lambda content: field(content, "SipRegistration", "outboundProxy").pop("nullable"),
        Group.BREAKS,
        "types.sip.NewSipRegistration",
        "outbound_proxy: may be None, and the API takes no null",
    ),
    "a secret": Case(
        lambda content: field(content, "Webhook", "url").update(writeOnly=True),
        Group.MISSING,
        "types.webhooks.NewWebhook",
        "url: write-only in the API: mark it Sensitive",
    ),
    "a new schema": Case(
        new_schema, Group.MISSING, "Weather", "no class for the schema Weather, used in Call.localWea"
    ),
    "a field of a new schema": Case(
        new_schema, Group.MISSING, "types.calls.Call", "lacks `local_weather: Weather | None = None`"
    ),
    "a vanished schema": Case(
        lambda content: content["components"]["schemas"].pop("ultravox.v1.SipFallbackHandlerResponse"),
        Group.MISSING,
        "tests.contract.schemas",
        "the API has no schema ultravox.v1.SipFallbackHandlerResponse",
    ),
    "another response": Case(
        lambda content: content["paths"]["/api/calls/{call_id}"]["get"]["responses"]["200"]["content"].update(
            {"application/json": {"schema": {"$ref": "#/components/schemas/Voice"}}}
        ),
        Group.BREAKS,
        "calls.get",
        "the API returns Voice",
    ),
    "another server": Case(
        lambda content: content["servers"][0].update(url="https://api.example.com"),
        Group.BREAKS,
        "AsyncUltravox",
        "the API is at ['https://api.example.com']",
    ),
    "an exception that is not needed": Case(
        lambda content: field(content, "ultravox.v1.StartCallRequest", "temperature").update(minimum=0, maximum=1),
        Group.MISSING,
        "tests.contract.exceptions.LIMITS",
        "the line for ultravox.v1.StartCallRequest.temperature is not needed",
    ),
}


def is_told(case: Case, found: list[Difference]) -> bool:
    return any(one.group is case.group and one.subject == case.subject and case.text in one.text for one in found)


def test_the_version_that_the_package_is_made_for_brings_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(SCHEMA)]) == 0
    assert capsys.readouterr().out == "There is nothing to do.\n"
    assert main([str(SCHEMA), "--base", str(SCHEMA)]) == 0


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_change_is_told_in_the_terms_of_the_package(case: Case) -> None:
    new = changed(case.edit)
    assert is_told(case, drift(new)), "\n".join(report(drift(new)))
    since = drift(new, the_document())
    assert is_told(case, since), "\n".join(report(since))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_only_a_change_is_told(case: Case) -> None:
    assert len(drift(changed(case.edit))) <= 60


def test_a_version_with_many_changes_brings_nothing_to_its_equal() -> None:
    def edit(content: Json) -> None:
        for case in CASES.values():
            with suppress(KeyError):
                case.edit(content)

    def edit_too(content: Json) -> None:
        edit(content)

    assert len(drift(changed(edit))) > len(CASES)
    assert drift(changed(edit), changed(edit_too)) == []


@attrs.frozen
class WithoutEffect:
    """A change that leaves nothing to do, and what is told of it."""

    edit: Edit
    subject: str
    text: str
    """What the text begins with."""


WITHOUT_EFFECT = {
    "the description of a property": WithoutEffect(
        lambda content: field(content, "Call", "summary").update(description="x"), "types.calls.Call", "summary: desc"
    ),
    "the title of a schema": WithoutEffect(
        lambda content: schema(content, "Call").update(title="x"), "types.calls.Call", "title"
    ),
    "the order of an enumeration": WithoutEffect(
        lambda content: schema(content, "BillingStatusEnum")["enum"].reverse(), "types.calls.BillingStatus", "order"
    ),
    "the name of an operation": WithoutEffect(
        lambda content: content["paths"]["/api/calls"]["get"].update(operationId="x"), "calls.list", "operationId"
    ),
    "the description of a filter": WithoutEffect(
        lambda content: content["paths"]["/api/calls"]["get"]["parameters"][0].update(description="x"),
        "calls.list",
        "?agentIds: description",
    ),
    "the version of the document": WithoutEffect(
        lambda content: content["info"].update(version="x"), "the document", "info from"
    ),
    "a field that is no longer required": WithoutEffect(
        lambda content: schema(content, "Call")["required"].remove("ended"), "types.calls.Call", "ended: required from"
    ),
}


@pytest.mark.parametrize("case", WITHOUT_EFFECT.values(), ids=WITHOUT_EFFECT)
def test_what_has_no_effect_is_told_with_a_base_and_is_nothing_to_do(case: WithoutEffect) -> None:
    new = changed(case.edit)
    assert drift(new) == []
    (told,) = drift(new, the_document())
    assert (told.group, told.subject) == (Group.COSMETIC, case.subject)
    assert told.text.startswith(case.text)


def test_what_became_deprecated_is_to_be_said_in_a_docstring() -> None:
    def deprecate(content: Json) -> None:
        field(content, "Call", "summary").update(deprecated=True)

    (told,) = drift(changed(deprecate), the_document())
    assert (told.group, told.subject, told.text) == (
        Group.MISSING,
        "types.calls.Call",
        "summary: deprecated by the API: say so in the docstring",
    )


def test_with_a_base_a_change_is_told_that_an_exception_hides_without() -> None:
    def limit(content: Json) -> None:
        field(content, "Webhook", "secrets").update(maxItems=3)

    assert drift(changed(limit)) == []
    assert {one.text for one in drift(changed(limit), the_document())} == {
        "secrets: the API has MaxLen(3); here is MinLen(1), MaxLen(10)"
    }


def test_after_a_move_the_rest_of_the_operation_is_still_compared() -> None:
    def move_and_tighten(content: Json) -> None:
        moved(content)
        new_parameter({"paths": {"/api/calls": content["paths"]["/api/v2/calls"]}})

    subjects = [(one.group, one.subject) for one in drift(changed(move_and_tighten))]
    assert sorted(subjects, key=str) == [
        (Group.BREAKS, "calls.create"),
        (Group.BREAKS, "calls.list"),
        (Group.MISSING, "calls.list"),
    ]


def test_the_command_prints_groups_in_100_columns_and_exits_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def edit(content: Json) -> None:
        for name in ("a new operation", "a tightened limit", "a new field of responses"):
            CASES[name].edit(content)
        field(content, "Call", "summary").update(description="x")

    path = tmp_path / "new.json"
    path.write_text(json.dumps(changed(edit).content, default=str), "utf-8")
    assert main([str(path), "--base", str(SCHEMA)]) == 1
    printed = capsys.readouterr().out
    lines = printed.splitlines()
    assert max(map(len, lines)) <= 100
    assert [line for line in lines if line and not line.startswith(" ")] == [
        "What breaks (1)",
        "What is missing, or left over (2)",
        "What is cosmetic, or has no effect on the package (1)",
        "There is something to do.",
    ]
    assert main([str(path), "--base", str(SCHEMA)]) == 1
    assert capsys.readouterr().out == printed


@pytest.mark.parametrize("text", ["", "- 1", "a: [", "paths: {}"])
def test_what_is_no_schema_is_a_wrong_usage(text: str, tmp_path: Path) -> None:
    path = tmp_path / "new.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(SystemExit) as caught:
        main([str(path)])
    assert caught.value.code == 2


def test_a_file_that_does_not_exist_is_a_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as caught:
        main([str(SCHEMA), "--base", str(tmp_path / "none.yaml")])
    assert caught.value.code == 2
