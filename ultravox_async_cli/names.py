"""The names that something of Python has in JSON and on the command line."""

import re


def camel_case(name: str) -> str:
    """Return the name of a field in JSON: ``outboundProxy`` for ``outbound_proxy``."""
    return re.sub("_([a-z0-9])", lambda match: match[1].upper(), name)


def flag(name: str) -> str:
    """Return the option for a parameter: ``--outbound-proxy`` for ``outbound_proxy``."""
    return f"--{name.rstrip('_').replace('_', '-')}"
