"""The field names of the API. A leaf module: it imports nothing of the package."""

import re
from functools import cache


@cache
def wire_name(name: str) -> str:
    """Return the API's camelCase name for a Python name: ``outboundProxy`` for ``outbound_proxy``.

    The underscore behind a keyword of Python, as in ``from_``, is not part of the name.
    """
    return re.sub(r"_([a-z0-9])", lambda match: match.group(1).upper(), name.removesuffix("_"))
