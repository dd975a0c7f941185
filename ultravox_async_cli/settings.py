"""The key and the address of the API: from the environment, or from a profile of the configuration file."""

import argparse
import os
import re
import stat
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Final, cast

import attrs

from ultravox_async import AsyncUltravox
from ultravox_async_cli.contact import Contact
from ultravox_async_cli.errors import CommandError, ExitCode
from ultravox_async_cli.terminal import Terminal

PUBLIC_API: Final = "https://api.ultravox.ai"
"""Where requests go if nothing says otherwise."""

_SETTINGS: Final = ("api_key", "base_url")
_PLACE: Final = re.compile(r"line \d+, column \d+|end of document")


@attrs.frozen
class Credentials:
    """Whose account is used, and where."""

    api_key: str = attrs.field(repr=False)

    base_url: str
    """Where requests go."""

    source: str
    """Where the key comes from, for people."""


def config_file(environ: Mapping[str, str]) -> Path:
    """Return where the configuration is, whether it exists or not.

    Raises:
        CommandError: There is no home directory, as for a user of a container who has no name.
    """
    try:
        home = environ.get("XDG_CONFIG_HOME") or Path(environ.get("HOME") or Path.home()) / ".config"
    except RuntimeError:
        raise CommandError("there is no home directory, and so no configuration file: set XDG_CONFIG_HOME") from None
    return Path(home) / "ultravox" / "config.toml"


def credentials(options: argparse.Namespace, environ: Mapping[str, str]) -> Credentials:
    """Return the credentials of the profile that was chosen, or else those of the environment.

    Raises:
        CommandError: There is no key, no such profile, or the file may be read by others.
    """
    if options.profile is not None:
        return _profile(options.profile, config_file(environ))
    key = environ.get("ULTRAVOX_API_KEY")
    if not key:
        needed = "there is no API key: set ULTRAVOX_API_KEY, or choose a --profile"
        raise CommandError(needed, ExitCode.AUTHENTICATION)
    return Credentials(key, environ.get("ULTRAVOX_BASE_URL") or PUBLIC_API, "ULTRAVOX_API_KEY")


def profiles(environ: Mapping[str, str]) -> Sequence[str]:
    """Return the names of the profiles; none if the file cannot be used."""
    try:
        return [*_object(_configuration(config_file(environ)).get("profiles"))]
    except CommandError:
        return []


def open_client(terminal: Terminal, options: argparse.Namespace) -> AbstractAsyncContextManager[AsyncUltravox]:
    """Return a client, for ``async with``.

    Args:
        terminal: Where a person reads that the server does not answer; it has the environment.
        options: What was given on the command line.

    Raises:
        CommandError: As `credentials` does; in the ``async with``, if no connection could be made.
        ConfigurationError: The key or the address cannot be used.
    """
    found = credentials(options, terminal.environ)
    contact = Contact(terminal, found.base_url)
    return contact.around(AsyncUltravox(found.api_key, base_url=found.base_url, observers=[contact]))


def _profile(name: str, path: Path) -> Credentials:
    profiles = _object(_configuration(path).get("profiles"))
    if name not in profiles:
        known = f"; there are {', '.join(profiles)}" if profiles else ""
        raise CommandError(f"there is no profile {name} in {path}{known}")
    profile = _object(profiles[name])
    for setting in profile:
        # A mistyped base_url that was ignored would send the key to the public API.
        if setting not in _SETTINGS:
            known = " and ".join(_SETTINGS)
            raise CommandError(f"the profile {name} in {path} has {setting}, which is no setting; there are {known}")
    key, base_url = profile.get("api_key"), profile.get("base_url")
    if not isinstance(key, str) or not key or not isinstance(base_url, str | None):
        raise CommandError(f"the profile {name} in {path} needs an api_key, and may have a base_url; both are strings")
    # Never ULTRAVOX_BASE_URL: the key of a profile must not go wherever an export from another day points.
    return Credentials(key, base_url or PUBLIC_API, f"profile {name} of {path}")


def _object(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}


def _configuration(path: Path) -> Mapping[str, object]:
    try:
        with path.open("rb") as file:
            # Of the open file and not of its name, which may stand for another file a moment later.
            _check_privacy(path, os.fstat(file.fileno()))
            return tomllib.loads(file.read().decode("utf-8-sig"))  # editors of Windows write a byte order mark
    except OSError as error:
        raise CommandError(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:  # the latter for thousands of brackets
        # Only the place: the rest of the text may have a part of the file.
        place = _PLACE.search(str(error))
        raise CommandError(f"{path} is not valid TOML{f', {place[0]}' if place else ''}") from None


def _check_privacy(path: Path, status: os.stat_result) -> None:
    if os.name == "nt":  # pragma: no cover - Windows has other permissions, and files of users are private there
        return
    if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o077:
        raise CommandError(f"{path} contains keys, and has to belong to you alone", remedy=f"chmod 600 {path}")
