"""The names of the wire. A leaf: it imports nothing of the package."""

import re
from functools import cache


@cache
def wire_name(name: str) -> str:
    """Return the camelCase of the wire for a Python name: ``outbound_proxy`` is ``outboundProxy`` there."""
    return re.sub(r"_([a-z0-9])", lambda match: match.group(1).upper(), name)
