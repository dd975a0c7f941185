"""The tools of agents: how they are defined, and how calls select them."""

from datetime import timedelta
from typing import Annotated, Any, Literal, Self, TypeAlias, TypedDict, Unpack

import attrs

from ultravox_async.types._markers import TOOL_NAME, Alternative, Sensitive
from ultravox_async.types._object import WireObject
from ultravox_async.types.shared.tool_security import SecurityOptions

ParameterLocation: TypeAlias = (
    Literal[
        "PARAMETER_LOCATION_UNSPECIFIED",
        "PARAMETER_LOCATION_QUERY",
        "PARAMETER_LOCATION_PATH",
        "PARAMETER_LOCATION_HEADER",
        "PARAMETER_LOCATION_BODY",
    ]
    | str
)
"""Where in a request a parameter is. Open: the API may add values."""

KnownValue: TypeAlias = (
    Literal[
        "KNOWN_PARAM_UNSPECIFIED",
        "KNOWN_PARAM_CALL_ID",
        "KNOWN_PARAM_CONVERSATION_HISTORY",
        "KNOWN_PARAM_OUTPUT_SAMPLE_RATE",
        "KNOWN_PARAM_CALL_STATE",
        "KNOWN_PARAM_CALL_STAGE_ID",
        "KNOWN_PARAM_THREAD_ID",
        "KNOWN_PARAM_THREAD_STATES",
        "KNOWN_PARAM_CALL_METADATA",
    ]
    | str
)
"""What the API can put into a parameter by itself. Open: the API may add values."""

AgentReaction: TypeAlias = (
    Literal[
        "AGENT_REACTION_UNSPECIFIED",
        "AGENT_REACTION_SPEAKS",
        "AGENT_REACTION_LISTENS",
        "AGENT_REACTION_SPEAKS_ONCE",
    ]
    | str
)
"""What the agent does after a tool has returned. Open: the API may add values."""

_Name: TypeAlias = Annotated[str, TOOL_NAME]


@attrs.define
class DynamicParameter(WireObject):
    """A parameter that the model sets (schema ``ultravox.v1.DynamicParameter``)."""

    name: str | None = None
    """Its name."""

    location: ParameterLocation | None = None
    """Where in the request it is."""

    schema: dict[str, Any] | None = None
    """The JSON schema of its value."""

    required: bool | None = None
    """Whether the model has to set it."""


@attrs.define
class StaticParameter(WireObject):
    """A parameter that always has the same value (schema ``ultravox.v1.StaticParameter``)."""

    name: str | None = None
    """Its name."""

    location: ParameterLocation | None = None
    """Where in the request it is."""

    value: Any = None
    """Its value, any JSON. The model does not see it."""


@attrs.define
class AutomaticParameter(WireObject):
    """A parameter that the API sets (schema ``ultravox.v1.AutomaticParameter``)."""

    name: str | None = None
    """Its name."""

    location: ParameterLocation | None = None
    """Where in the request it is."""

    known_value: KnownValue | None = None
    """What it is set to."""


@attrs.define
class HttpToolDetails(WireObject):
    """A tool that is an HTTP endpoint (schema ``ultravox.v1.BaseHttpToolDetails``)."""

    base_url_pattern: str | None = None
    """Its URL, with the names of path parameters in braces."""

    http_method: str | None = None
    """The HTTP method."""


@attrs.define
class ClientToolDetails(WireObject):
    """A tool that the client implements (schema ``ultravox.v1.BaseClientToolDetails``). It has no fields."""


@attrs.define
class DataConnectionToolDetails(WireObject):
    """A tool behind the data connection (schema ``ultravox.v1.BaseDataConnectionToolDetails``). It has no fields."""


@attrs.define
class HttpCallToolDetails(WireObject):
    """An HTTP tool, as a call uses it (schema ``ultravox.v1.HttpCallToolDetails``)."""

    base_url_pattern: str | None = None
    """Its URL, with the names of path parameters in braces."""

    http_method: str | None = None
    """The HTTP method."""

    auth_headers: Annotated[list[str], Sensitive] | None = attrs.field(default=None, repr=False)
    """The headers that authenticate the request."""

    auth_query_params: Annotated[list[str], Sensitive] | None = attrs.field(default=None, repr=False)
    """The query parameters that authenticate the request."""

    call_token_scopes: list[str] | None = None
    """The scopes that the token of the call has; None or empty for no token."""


@attrs.define
class ClientCallToolDetails(WireObject):
    """A tool of the client, as a call uses it (schema ``ultravox.v1.ClientCallToolDetails``). It has no fields."""


@attrs.define
class DataConnectionCallToolDetails(WireObject):
    """A tool behind the data connection, as a call uses it (schema ``ultravox.v1.DataConnectionCallToolDetails``).

    It has no fields.
    """


@attrs.define
class StaticToolResponse(WireObject):
    """A result that is given without waiting for the tool (schema ``ultravox.v1.StaticToolResponse``)."""

    response_text: str | None = None
    """The text of the result."""


@attrs.define
class ToolRequirements(WireObject):
    """What a call has to provide to use a tool (schema ``ultravox.v1.ToolRequirements``)."""

    http_security_options: SecurityOptions | None = None
    """The ways to authenticate to an HTTP tool."""

    required_parameter_overrides: list[str] | None = None
    """The dynamic parameters for which the call has to set a value."""


@attrs.define
class ToolDefinition(WireObject):
    """The definition of a tool (schema ``ultravox.v1.BaseToolDefinition``).

    Exactly one of `http`, `client` and `data_connection` is set.
    """

    model_tool_name: _Name | None = None
    """The name by which the model knows it: 1 to 64 letters, digits, underscores and hyphens."""

    description: str | None = None
    """What it does; the model reads this."""

    dynamic_parameters: list[DynamicParameter] | None = None
    """The parameters that the model sets."""

    static_parameters: list[StaticParameter] | None = None
    """The parameters that always have the same value."""

    automatic_parameters: list[AutomaticParameter] | None = None
    """The parameters that the API sets."""

    requirements: ToolRequirements | None = None
    """What a call has to provide to use it."""

    timeout: timedelta | None = None
    """How long it may run, while the conversation stands still; None for the API's default."""

    precomputable: bool | None = None
    """Whether it changes nothing, so that it may be run before it is certain that its result is needed."""

    http: Annotated[HttpToolDetails, Alternative()] | None = None
    """The HTTP endpoint."""

    client: Annotated[ClientToolDetails, Alternative()] | None = None
    """Set if the client implements it. Its parameters can only be in the body."""

    data_connection: Annotated[DataConnectionToolDetails, Alternative()] | None = None
    """Set if it is behind the data connection. Its parameters can only be in the body."""

    default_reaction: AgentReaction | None = None
    """What the agent does after it has returned, unless the tool says otherwise."""

    static_response: StaticToolResponse | None = None
    """The result that is given without waiting for the tool."""


@attrs.define
class CallToolDefinition(WireObject):
    """The definition of a tool, as a call uses it (schema ``ultravox.v1.CallTool``).

    Exactly one of `http`, `client` and `data_connection` is set.
    """

    description: str | None = None
    """What it does; the model reads this."""

    dynamic_parameters: list[DynamicParameter] | None = None
    """The parameters that the model sets."""

    static_parameters: list[StaticParameter] | None = None
    """The parameters that always have the same value."""

    automatic_parameters: list[AutomaticParameter] | None = None
    """The parameters that the API sets."""

    timeout: timedelta | None = None
    """How long it may run, while the conversation stands still."""

    precomputable: bool | None = None
    """Whether it changes nothing, so that it may be run before it is certain that its result is needed."""

    http: HttpCallToolDetails | None = None
    """The HTTP endpoint."""

    client: ClientCallToolDetails | None = None
    """Set if the client implements it."""

    data_connection: DataConnectionCallToolDetails | None = None
    """Set if it is behind the data connection."""

    default_reaction: AgentReaction | None = None
    """What the agent does after it has returned, unless the tool says otherwise."""

    static_response: StaticToolResponse | None = None
    """The result that is given without waiting for the tool."""


class SelectedToolOptions(TypedDict, total=False):
    """What a `SelectedTool` can say beside which tool it is."""

    name_override: str | None
    """Another name by which the model knows it."""

    description_override: str | None
    """Another description for the model."""

    auth_tokens: Annotated[dict[str, str], Sensitive] | None
    """The keys and tokens for the tool, by the names of its security requirements."""

    parameter_overrides: dict[str, Any] | None
    """Values of dynamic parameters, by their names; the model no longer sees these parameters."""


@attrs.define
class SelectedTool(WireObject):
    """A tool that an agent or a call may use (schema ``ultravox.v1.SelectedTool``).

    Exactly one of `tool_id`, `tool_name` and `temporary_tool` is set; see `by_id`, `by_name` and `temporary`.
    """

    tool_id: Annotated[str, Alternative()] | None = None
    """The id of a tool of the account, or of a public one."""

    tool_name: Annotated[str, Alternative()] | None = None
    """The name of such a tool, if only one has it."""

    temporary_tool: Annotated[ToolDefinition, Alternative()] | None = None
    """A tool that exists only here."""

    name_override: _Name | None = None
    """Another name by which the model knows it: 1 to 64 letters, digits, underscores and hyphens."""

    description_override: str | None = None
    """Another description for the model."""

    auth_tokens: Annotated[dict[str, str], Sensitive] | None = attrs.field(default=None, repr=False)
    """The keys and tokens for the tool, by the names of its security requirements."""

    parameter_overrides: dict[str, Any] | None = None
    """Values of dynamic parameters, by their names; the model no longer sees these parameters."""

    transition_id: str | None = None
    """For the API's own use."""

    @classmethod
    def by_id(cls, tool_id: str, **options: Unpack[SelectedToolOptions]) -> Self:
        """Select a tool by its id.

        Args:
            tool_id: The id of the tool.
            **options: The fields of `SelectedToolOptions`.
        """
        return cls(tool_id=tool_id, **options)

    @classmethod
    def by_name(cls, tool_name: str, **options: Unpack[SelectedToolOptions]) -> Self:
        """Select a tool by its name, for example ``hangUp``.

        Args:
            tool_name: The name of the tool.
            **options: The fields of `SelectedToolOptions`.
        """
        return cls(tool_name=tool_name, **options)

    @classmethod
    def temporary(cls, definition: ToolDefinition, **options: Unpack[SelectedToolOptions]) -> Self:
        """Define a tool that exists only here.

        Args:
            definition: The definition of the tool.
            **options: The fields of `SelectedToolOptions`.
        """
        return cls(temporary_tool=definition, **options)


@attrs.define
class ToolOverrides(WireObject):
    """How a call changes the tools of its agent (schema ``ultravox.v1.ToolOverrides``): first it removes, then it adds.

    At most one of `remove` and `remove_all` can be set.
    """

    remove: Annotated[list[str], Alternative(required=False)] | None = None
    """The tools to remove, by the names by which the model knows them."""

    remove_all: Annotated[bool, Alternative(required=False)] | None = None
    """Whether to remove all tools."""

    add: list[SelectedTool] | None = None
    """The tools to add."""
