from datetime import timedelta

import pytest

from tests.types.shared import secrets_of, sent
from ultravox_async import InvalidRequestError
from ultravox_async.types.shared.tool_security import (
    HttpAuthRequirement,
    SecurityOptions,
    SecurityRequirement,
    SecurityRequirements,
    UltravoxCallTokenRequirement,
)
from ultravox_async.types.shared.tools import (
    AutomaticParameter,
    CallToolDefinition,
    ClientCallToolDetails,
    ClientToolDetails,
    DataConnectionCallToolDetails,
    DataConnectionToolDetails,
    DynamicParameter,
    HttpCallToolDetails,
    HttpToolDetails,
    SelectedTool,
    StaticParameter,
    StaticToolResponse,
    ToolDefinition,
    ToolOverrides,
    ToolRequirements,
)

CLIENT = ToolDefinition("look_up", client=ClientToolDetails())


def test_a_tool_is_selected_by_its_id_or_its_name() -> None:
    assert sent(tools=[SelectedTool.by_id("t1")]) == {"tools": [{"toolId": "t1"}]}
    tool = SelectedTool.by_name(
        "hangUp", name_override="bye", description_override="Ends it", parameter_overrides={"some_key": None}
    )
    assert sent(tools=[tool])["tools"] == [
        {
            "toolName": "hangUp",
            "nameOverride": "bye",
            "descriptionOverride": "Ends it",
            "parameterOverrides": {"some_key": None},
        }
    ]


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        (CLIENT, {"client": {}}),
        (ToolDefinition("look_up", data_connection=DataConnectionToolDetails()), {"dataConnection": {}}),
        (
            ToolDefinition("look_up", http=HttpToolDetails("u", "GET")),
            {"http": {"baseUrlPattern": "u", "httpMethod": "GET"}},
        ),
    ],
)
def test_a_temporary_tool_is_sent_with_its_kind(definition: ToolDefinition, expected: dict[str, object]) -> None:
    tool = SelectedTool.temporary(definition, name_override="find")
    wire = {"temporaryTool": {"modelToolName": "look_up", **expected}, "nameOverride": "find"}
    assert sent(tools=[tool]) == {"tools": [wire]}


def test_a_whole_definition_is_sent() -> None:
    security = SecurityOptions(
        [
            SecurityRequirements({"key": SecurityRequirement.header_api_key("X-Key")}),
            SecurityRequirements({"key": SecurityRequirement.query_api_key("key")}),
            SecurityRequirements({"some_key": SecurityRequirement.http_auth("Bearer")}),
            SecurityRequirements(ultravox_call_token_requirement=UltravoxCallTokenRequirement(["s"])),
        ]
    )
    definition = ToolDefinition(
        "look_up",
        "Looks it up",
        dynamic_parameters=[DynamicParameter("q", "PARAMETER_LOCATION_QUERY", {"some_key": 1}, required=False)],
        static_parameters=[StaticParameter("s", "PARAMETER_LOCATION_BODY", {"some_key": [1]})],
        automatic_parameters=[AutomaticParameter("c", "PARAMETER_LOCATION_HEADER", "KNOWN_PARAM_CALL_ID")],
        requirements=ToolRequirements(security, ["q"]),
        timeout=timedelta(seconds=2.5),
        precomputable=True,
        http=HttpToolDetails("https://example.com/{q}", "POST"),
        default_reaction="AGENT_REACTION_LISTENS",
        static_response=StaticToolResponse("Wait"),
    )
    wire = {
        "modelToolName": "look_up",
        "description": "Looks it up",
        "dynamicParameters": [
            {"name": "q", "location": "PARAMETER_LOCATION_QUERY", "schema": {"some_key": 1}, "required": False}
        ],
        "staticParameters": [{"name": "s", "location": "PARAMETER_LOCATION_BODY", "value": {"some_key": [1]}}],
        "automaticParameters": [
            {"name": "c", "location": "PARAMETER_LOCATION_HEADER", "knownValue": "KNOWN_PARAM_CALL_ID"}
        ],
        "requirements": {
            "httpSecurityOptions": {
                "options": [
                    {"requirements": {"key": {"headerApiKey": {"name": "X-Key"}}}},
                    {"requirements": {"key": {"queryApiKey": {"name": "key"}}}},
                    {"requirements": {"some_key": {"httpAuth": {"scheme": "Bearer"}}}},
                    {"ultravoxCallTokenRequirement": {"scopes": ["s"]}},
                ]
            },
            "requiredParameterOverrides": ["q"],
        },
        "timeout": "2.5s",
        "precomputable": True,
        "http": {"baseUrlPattern": "https://example.com/{q}", "httpMethod": "POST"},
        "defaultReaction": "AGENT_REACTION_LISTENS",
        "staticResponse": {"responseText": "Wait"},
    }
    assert sent(tools=[SelectedTool.temporary(definition)]) == {"tools": [{"temporaryTool": wire}]}
    assert ToolDefinition.from_dict(wire) == definition


@pytest.mark.parametrize(
    ("tool", "problem"),
    [
        (SelectedTool(), "exactly one of tool_id, tool_name, temporary_tool, not with 0"),
        (SelectedTool("t1", "hangUp"), "not with 2"),
        (SelectedTool(name_override="bye"), "not with 0"),
        (SelectedTool.temporary(ToolDefinition("x")), "exactly one of http, client, data_connection, not with 0"),
        (
            SelectedTool.temporary(ToolDefinition("x", http=HttpToolDetails(), client=ClientToolDetails())),
            r"tools\[0\]\.temporary_tool: .* not with 2",
        ),
    ],
)
def test_none_or_two_ways_to_say_which_tool_it_is_are_refused(tool: SelectedTool, problem: str) -> None:
    with pytest.raises(InvalidRequestError, match=problem):
        sent(tools=[tool])


def test_a_security_requirement_needs_one_member() -> None:
    security = SecurityOptions([SecurityRequirements({"key": SecurityRequirement()})])
    definition = ToolDefinition("x", requirements=ToolRequirements(security), client=ClientToolDetails())
    with pytest.raises(InvalidRequestError, match=r"requirements\.key: takes a SecurityRequirement with exactly one"):
        sent(tools=[SelectedTool.temporary(definition)])


@pytest.mark.parametrize("name", ["", "look up", "x" * 65, "café", "x\n"])
def test_a_name_that_the_model_cannot_use_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequestError, match="name_override: takes a name of 1 to 64 letters"):
        sent(tools=[SelectedTool.by_id("t1", name_override=name)])
    with pytest.raises(InvalidRequestError, match="model_tool_name"):
        sent(tools=[SelectedTool.temporary(ToolDefinition(name, client=ClientToolDetails()))])


def test_a_name_of_64_letters_is_sent() -> None:
    assert sent(tools=[SelectedTool.by_id("t1", name_override="x_-4" * 16)])


def test_the_tokens_of_a_selected_tool_are_hidden() -> None:
    tool = SelectedTool.by_id("t1", auth_tokens={"key": "hunter2"})
    assert "hunter2" not in repr(tool)
    assert "hunter2" not in tool.to_json()
    assert sent(tools=[tool])["tools"][0]["authTokens"] == {"key": "hunter2"}
    assert secrets_of(tools=[tool]) == {"hunter2"}


def test_overrides_are_sent_and_their_additions_checked() -> None:
    overrides = ToolOverrides(remove=["hangUp"], add=[SelectedTool.by_id("t1")])
    assert sent(overrides=overrides)["overrides"] == {"remove": ["hangUp"], "add": [{"toolId": "t1"}]}
    with pytest.raises(InvalidRequestError, match=r"overrides\.add\[0\]"):
        sent(overrides=ToolOverrides(add=[SelectedTool()]))


def test_overrides_that_remove_some_tools_and_all_tools_are_refused() -> None:
    problem = "overrides: takes a ToolOverrides with at most one of remove, remove_all, not with 2"
    with pytest.raises(InvalidRequestError, match=problem):
        sent(overrides=ToolOverrides(remove=["hangUp"], remove_all=True))


def test_overrides_that_remove_nothing_are_sent() -> None:
    assert sent(overrides=ToolOverrides(add=[SelectedTool.by_id("t1")])) == {"overrides": {"add": [{"toolId": "t1"}]}}


def test_a_selected_tool_is_decoded_with_any_number_of_members() -> None:
    decoded = SelectedTool.from_dict(
        {
            "toolId": "t1",
            "toolName": "hangUp",
            "temporaryTool": {"client": {}, "http": None, "defaultReaction": "AGENT_REACTION_SINGS", "new": 1},
            "authTokens": None,
            "transitionId": "x",
        }
    )
    assert decoded == SelectedTool(
        "t1",
        "hangUp",
        ToolDefinition(client=ClientToolDetails(), default_reaction="AGENT_REACTION_SINGS"),
        transition_id="x",
    )
    assert SelectedTool.from_dict({}) == SelectedTool()


def test_a_security_requirement_is_decoded() -> None:
    decoded = SecurityRequirements.from_dict({"requirements": {"key": {"httpAuth": {"scheme": "Bearer"}, "new": {}}}})
    assert decoded.requirements == {"key": SecurityRequirement(http_auth=HttpAuthRequirement("Bearer"))}


def test_the_definition_of_a_tool_of_a_call_is_decoded() -> None:
    decoded = CallToolDefinition.from_dict(
        {
            "description": "Looks it up",
            "timeout": "20s",
            "http": {"baseUrlPattern": "u", "authHeaders": ["hunter2"], "callTokenScopes": [], "new": 1},
            "client": {},
            "dataConnection": {"new": 1},
            "staticParameters": None,
        }
    )
    assert decoded == CallToolDefinition(
        "Looks it up",
        timeout=timedelta(seconds=20),
        http=HttpCallToolDetails("u", auth_headers=["hunter2"], call_token_scopes=[]),
        client=ClientCallToolDetails(),
        data_connection=DataConnectionCallToolDetails(),
    )
    assert "hunter2" not in repr(decoded)
    assert "hunter2" not in decoded.to_json()
