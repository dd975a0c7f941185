"""What goes over the wire for tools: those of the account, and those that everybody can use."""

from datetime import datetime
from typing import Annotated, Literal, TypeAlias, TypedDict

import attrs
from annotated_types import MaxLen, MinLen

from ultravox_async.types._markers import InQuery
from ultravox_async.types._object import WireObject
from ultravox_async.types.calls import Call
from ultravox_async.types.shared.ownership import Ownership
from ultravox_async.types.shared.paging import ListOptions
from ultravox_async.types.shared.tools import ToolDefinition

ToolSortOrder: TypeAlias = (
    Literal["display", "alphabetic", "reverseAlphabetic", "chronologic", "reverseChronologic", "default"] | str
)
"""In which order tools are listed. Open: the API may add values."""


@attrs.define
class Tool(WireObject):
    """A tool, as ``GET /api/tools/{tool_id}`` returns it (schema ``Tool``)."""

    tool_id: str
    """The id that the API assigned."""

    name: str
    """Its name, by which agents and calls may select it."""

    created: datetime
    """When it was created, with a time zone."""

    definition: ToolDefinition | None = None
    """What it does, and how it is called."""

    ownership: Ownership | None = None
    """Whether it is everybody's, or the account's own."""


@attrs.define
class ToolHistory(WireObject):
    """A call in which a tool was used (schema ``ToolHistory``)."""

    call: Call | None = None
    """The call."""

    error_count: int | None = None
    """How many of the tool's invocations in this call have failed."""


class NewTool(TypedDict):
    """What `create` and `replace` of a tool take."""

    name: Annotated[str, MaxLen(40)]
    """Its name, at most 40 characters."""

    definition: ToolDefinition
    """What it does, and how it is called."""


class ToolFilters(ListOptions, total=False):
    """What `list` of tools takes."""

    ownership: Annotated[Ownership, MinLen(1), InQuery] | None
    """Only everybody's tools, or only the account's own."""

    search: Annotated[str, MinLen(1), InQuery] | None
    """Only tools in which this is found."""

    sort_order: Annotated[ToolSortOrder, MinLen(1), InQuery] | None
    """The order; with a `cursor`, it has to be that of the page from which the cursor is."""
