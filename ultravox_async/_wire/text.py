"""How text that comes from elsewhere is shown. A leaf: it imports nothing of the package."""

import re

# Backslashes too, because browsers read them as slashes.
_USER_INFORMATION = re.compile(r"^([^/\\?#@]*:(?=[/\\]))?([/\\]*)[^/\\?#]*@")
# With a scheme, or without one, as proxies are often named.
_USER_INFORMATION_OF_ANY_URL = re.compile(r"(?<=//)\S*@|[^\s/:@]+:(?!//)\S*@")


def one_line(text: str, limit: int) -> str:
    """Return `text` on one line, without control characters, in at most `limit` characters."""
    # A few times the limit is plenty: a body of 16 MiB need not be looked at to show its beginning.
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: limit * 4]).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def without_user_information(url: str) -> str:
    """Return a URL, or what should have been one, without the user name and the password before its host."""
    return _USER_INFORMATION.sub(r"\1\2", url)


def without_user_information_of_urls(text: str) -> str:
    """Return a text without the user names and passwords of the URLs in it, the URL of a proxy for example."""
    return _USER_INFORMATION_OF_ANY_URL.sub("", text)
