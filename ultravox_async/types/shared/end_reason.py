"""Why a call ended, which a call says, and what is left of a deleted one."""

from typing import Literal, TypeAlias

EndReason: TypeAlias = (
    Literal["unjoined", "hangup", "agent_hangup", "timeout", "connection_error", "system_error"] | str
)
"""Why a call ended. Open: the API may add values."""
