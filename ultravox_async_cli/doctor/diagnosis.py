"""What `ultravox doctor` finds out without sending anything."""

import hashlib
import platform
import ssl
from collections.abc import Mapping
from importlib.metadata import version
from typing import Final, Literal, TypeAlias

import attrs
from yarl import URL

from ultravox_async import AsyncUltravox, ConfigurationError
from ultravox_async_cli.errors import CommandError, ExitCode
from ultravox_async_cli.failures import text_for_people
from ultravox_async_cli.settings import Credentials

Status: TypeAlias = Literal["ok", "warn", "fail", "skip"]

_ANY_URL: Final = "https://localhost"
_HOW_TO_GET_A_KEY: Final = "Create a key in the Ultravox console, and put it into ULTRAVOX_API_KEY or into a profile."
_PROXIES: Final = frozenset({"ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY"})
_PACKAGES: Final = ("ultravox-async", "aiohttp", "attrs", "cattrs", "orjson")


@attrs.frozen
class Check:
    """The result of one check."""

    check: str
    """What was checked."""

    status: Status
    """``skip`` if it depends on a check that has failed."""

    detail: str
    """What was found; never a secret."""

    remedy: str = ""
    """What to do about it."""


def versions() -> Check:
    """Return the versions of everything that takes part in a request."""
    found = [f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in _PACKAGES)]
    return Check("versions", "ok", ", ".join([*found, ssl.OPENSSL_VERSION]))


def problem_with(api_key: str, base_url: str) -> ConfigurationError | None:
    """Return why a client refuses a key or a URL; None if it does not."""
    try:
        AsyncUltravox(api_key, base_url=base_url)
    except ConfigurationError as error:
        return error
    return None


def check_key(found: Credentials | CommandError) -> Check:
    """Return where the key comes from, and a few digits by which two keys can be told apart."""
    if isinstance(found, CommandError):
        # If there is a configuration file that is wrong, its owner has a key.
        is_missing = found.exit_code is ExitCode.AUTHENTICATION
        return Check("key", "fail", str(found), found.remedy or (_HOW_TO_GET_A_KEY if is_missing else ""))
    problem = problem_with(found.api_key, _ANY_URL)
    if problem is not None:
        return Check("key", "fail", f"from {found.source}: {problem}", _HOW_TO_GET_A_KEY)
    # Keys are long and random: none can be found by its digest, and millions of them have the same four bytes.
    digest = hashlib.sha256(found.api_key.encode()).hexdigest()[:8]
    return Check("key", "ok", f"from {found.source}, its SHA-256 begins with {digest}")


def check_url(url: str | ConfigurationError) -> Check:
    """Return where requests go."""
    if isinstance(url, ConfigurationError):
        return Check("url", "fail", text_for_people(url), "Correct ULTRAVOX_BASE_URL, or the base_url of the profile.")
    return Check("url", "ok", url)


def proxies(environ: Mapping[str, str]) -> Check:
    """Return which proxies the environment names. Other programs use them, this command does not."""
    named = {name: value for name, value in environ.items() if name.upper() in _PROXIES and value}
    if not named:
        return Check("proxies", "ok", "the environment names none")
    shown = ", ".join(f"{name} is {_without_password(value)}" for name, value in named.items())
    remedy = "ultravox connects directly. If the checks below fail, allow that in your firewall."
    return Check("proxies", "warn", shown, remedy)


def _without_password(proxy: str) -> str:
    try:
        url = URL(proxy)
    except ValueError:
        return "not a URL"
    return f"{url.host}:{url.port}" if url.host else "not a URL"
