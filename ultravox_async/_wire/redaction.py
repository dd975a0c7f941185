"""Redacts secrets in text, in whatever encoding a server may echo them. A leaf module."""

import functools
import html
import json
import re
from collections.abc import Iterable
from urllib.parse import quote

SECRET_NAME = re.compile("key|password|secret|token", re.IGNORECASE)
"""Matches the names of fields whose values are taken for secrets, where no declaration says which are."""

_REDACTED = "[redacted]"
# Shorter secrets would match by chance in almost every text.
_REDACTED_FROM = 4


class Redactor:
    """Replaces secrets in texts.

    Args:
        secrets: The secrets. Those of fewer than four characters are ignored: they would match by chance everywhere.
    """

    __slots__ = ("_secrets",)

    def __init__(self, secrets: Iterable[str]) -> None:
        # The longest first: if a secret is the beginning of another one, replacing it first would leave the end of the
        # other.
        self._secrets = sorted({each for each in secrets if len(each) >= _REDACTED_FROM}, key=len, reverse=True)

    def redact(self, text: str) -> str:
        """Return `text` without the secrets, whether plain or escaped as in JSON, URLs, HTML or Python."""
        for secret in self._secrets:
            text = re.sub("".join(map(_any_form, secret)), _REDACTED, text)
        return text


@functools.cache
def _any_form(character: str) -> str:
    """Return a pattern that matches a character, plain or escaped as in JSON, URLs, HTML or Python."""
    if character.isascii() and character.isalnum():
        return character
    forms = {
        character,
        json.dumps(character)[1:-1],
        quote(character, safe="", errors="surrogatepass"),
        html.escape(character),
        repr(character.encode("utf-8", "surrogatepass"))[2:-1],
        {" ": "+", "/": "\\/"}.get(character, character),
    }
    return f"(?i:{'|'.join(map(re.escape, sorted(forms, key=len, reverse=True)))})"
