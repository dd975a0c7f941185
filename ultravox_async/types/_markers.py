"""The markers that the annotations of this package's types need in addition to those of annotated-types."""

import ipaddress
import re
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

import attrs


class Marker:
    """A marker in an annotation."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


Sensitive: Final = Marker("Sensitive")
"""The value is a secret: no repr, log, error or traceback shows it, and `to_dict()` omits it."""


InQuery: Final = Marker("InQuery")
"""The field is a query parameter, and not part of the body."""

ExactlyOne: Final = Marker("ExactlyOne")
"""Exactly one field of the object has to be set."""


@attrs.frozen
class WireName:
    """The name in JSON or in a query, if it is not the camelCase form of the Python name."""

    name: str


@attrs.frozen
class Alternative:
    """The field is one of several of its class, of which a request can set only one, beside any number of others."""

    required: bool = True
    """Whether one of them has to be set."""


@attrs.frozen
class Format:
    """The format of a string."""

    description: str
    """What such a string is called, for example ``a UUID``."""

    matches: Callable[[str], bool] = attrs.field(repr=False)
    """Whether a string has the format."""


_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}", re.ASCII)
_CIDR = re.compile(r"[0-9.]+/[0-9]{1,2}", re.ASCII)


def _is_uuid(text: str) -> bool:
    return _UUID.fullmatch(text) is not None


def _is_tool_name(text: str) -> bool:
    return _TOOL_NAME.fullmatch(text) is not None


def _is_ipv4_cidr(text: str) -> bool:
    # ipaddress also accepts an address without a prefix length, and a netmask instead of one.
    if not _CIDR.fullmatch(text):
        return False
    try:
        ipaddress.IPv4Network(text, strict=False)
    except ValueError:
        return False
    return True


def _is_http_url(text: str) -> bool:
    try:
        url = urlsplit(text)
    except ValueError:
        return False
    return url.scheme in {"http", "https"} and bool(url.hostname)


UUID: Final = Format("a UUID", _is_uuid)
IPV4_CIDR: Final = Format("an IPv4 CIDR range, such as 203.0.113.0/24", _is_ipv4_cidr)
HTTP_URL: Final = Format("an absolute http or https URL", _is_http_url)
TOOL_NAME: Final = Format("a name of 1 to 64 letters, digits, underscores and hyphens", _is_tool_name)
