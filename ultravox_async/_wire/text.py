"""Makes text of unknown origin fit to be shown. A leaf module: it imports nothing of the package."""

import re

# Backslashes too, because browsers treat them as slashes.
_USER_INFORMATION = re.compile(r"^([^/\\?#@]*:(?=[/\\]))?([/\\]*)[^/\\?#]*@")
# With a scheme, or without one, as proxies are often configured.
_USER_INFORMATION_OF_ANY_URL = re.compile(r"(?<=//)\S*@|[^\s/:@]+:(?!//)\S*@")


def one_line(text: str, limit: int) -> str:
    """Return `text` on one line, without control characters, in at most `limit` characters."""
    # White space is collapsed, so a few times the limit is looked at, but not all of a body of 16 MiB.
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: limit * 4]).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def without_user_information(url: str) -> str:
    """Return a URL, valid or not, without the user name and the password in front of its host."""
    return _USER_INFORMATION.sub(r"\1\2", url)


def without_user_information_of_urls(text: str) -> str:
    """Return a text without the user names and passwords of the URLs in it, for example the URL of a proxy."""
    return _USER_INFORMATION_OF_ANY_URL.sub("", text)
