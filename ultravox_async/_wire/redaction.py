"""Secrets in text: found however an echo may have written them, and taken out. A leaf."""

import functools
import html
import json
import re
from collections.abc import Iterable
from urllib.parse import quote

SECRET_NAME = re.compile("key|password|secret|token", re.IGNORECASE)
"""What the names of fields have in them whose values are secret, where no declaration says so."""

_REDACTED = "[redacted]"
# A secret shorter than this is found in every text by chance.
_REDACTED_FROM = 4


class Redactor:
    """Takes secrets out of texts.

    Args:
        secrets: What must not show; one of fewer than four characters is left, because it is in every text by chance.
    """

    __slots__ = ("_secrets",)

    def __init__(self, secrets: Iterable[str]) -> None:
        # The longest first: of two that begin alike, the shorter one would leave the tail of the other.
        self._secrets = sorted({each for each in secrets if len(each) >= _REDACTED_FROM}, key=len, reverse=True)

    def redact(self, text: str) -> str:
        """Return `text` without the secrets, plain or as JSON, URLs, HTML and Python write them."""
        for secret in self._secrets:
            text = re.sub("".join(map(_any_form, secret)), _REDACTED, text)
        return text


@functools.cache
def _any_form(character: str) -> str:
    """Return a pattern for a character as it is, or as JSON, URLs, HTML and Python write it."""
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
