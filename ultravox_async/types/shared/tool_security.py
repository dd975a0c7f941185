"""How HTTP tools authenticate those who call them."""

from typing import Annotated

import attrs

from ultravox_async.types._markers import ExactlyOne
from ultravox_async.types._member import Member, OneOf
from ultravox_async.types._object import WireObject


@attrs.define
class QueryApiKeyRequirement(WireObject):
    """An API key in the query (schema ``ultravox.v1.QueryApiKeyRequirement``)."""

    name: str | None = None
    """The name of the query parameter."""


@attrs.define
class HeaderApiKeyRequirement(WireObject):
    """An API key in a header (schema ``ultravox.v1.HeaderApiKeyRequirement``)."""

    name: str | None = None
    """The name of the header."""


@attrs.define
class HttpAuthRequirement(WireObject):
    """HTTP authentication (schema ``ultravox.v1.HttpAuthRequirement``)."""

    scheme: str | None = None
    """The scheme, for example ``Bearer``."""


@attrs.define(repr=False)
class SecurityRequirement(OneOf):
    """What a tool needs to authenticate (schema ``ultravox.v1.SecurityRequirement``): exactly one member is set."""

    query_api_key_: QueryApiKeyRequirement | None = attrs.field(default=None, alias="query_api_key")
    header_api_key_: HeaderApiKeyRequirement | None = attrs.field(default=None, alias="header_api_key")
    http_auth_: HttpAuthRequirement | None = attrs.field(default=None, alias="http_auth")

    query_api_key = Member(QueryApiKeyRequirement)
    """An API key in the query; ``SecurityRequirement.query_api_key("key")`` takes the name of the parameter."""

    header_api_key = Member(HeaderApiKeyRequirement)
    """An API key in a header; ``SecurityRequirement.header_api_key("X-Key")`` takes the name of the header."""

    http_auth = Member(HttpAuthRequirement)
    """HTTP authentication; ``SecurityRequirement.http_auth("Bearer")`` takes the scheme."""


@attrs.define
class UltravoxCallTokenRequirement(WireObject):
    """A token that the API makes for each call (schema ``ultravox.v1.UltravoxCallTokenRequirement``).

    It is sent as ``X-Ultravox-Call-Token``, and only the API itself can verify it.
    """

    scopes: list[str] | None = None
    """The scopes that the token has to have."""


@attrs.define
class SecurityRequirements(WireObject):
    """Requirements that have to be met together (schema ``ultravox.v1.SecurityRequirements``)."""

    requirements: dict[str, Annotated[SecurityRequirement, ExactlyOne]] | None = None
    """The requirements, by the names under which `SelectedTool.auth_tokens` has the keys."""

    ultravox_call_token_requirement: UltravoxCallTokenRequirement | None = None
    """The token of the call, which the API provides; None if it is not needed."""


@attrs.define
class SecurityOptions(WireObject):
    """The ways to authenticate, of which one is enough (schema ``ultravox.v1.SecurityOptions``)."""

    options: list[SecurityRequirements] | None = None
    """The ways; the first one that can be met is used, an empty one only if there is no other."""
