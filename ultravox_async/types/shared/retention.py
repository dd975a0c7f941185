"""How long the data of calls is kept."""

from typing import Literal, TypeAlias

CallRetentionPolicy: TypeAlias = (
    Literal["CALL_RETENTION_POLICY_UNSPECIFIED", "CALL_RETENTION_POLICY_RETAIN", "CALL_RETENTION_POLICY_AUTO_DELETE"]
    | str
)
"""How long the data of a call is kept, as requests and templates say it. Open: the API may add values."""
