"""Checks the proxies of the environment.

aiohttp silently ignores some proxies, and would connect directly. Others would make every request fail. Both are
refused when the client is created.
"""

from urllib.request import getproxies, proxy_bypass

from yarl import URL

from ultravox_async.errors import ConfigurationError

# The schemes whose variables aiohttp reads, all of them for each request.
_READ_BY_AIOHTTP = ("http", "https", "ws", "wss")


def check_proxies(base_url: URL) -> None:
    """Refuse variables such as ``HTTPS_PROXY`` that aiohttp does not use for this URL; see `getproxies`.

    Raises:
        ConfigurationError: A variable is not a URL, or names a proxy that aiohttp cannot use. Neither the text nor the
            traceback shows its value, which may contain a password.
    """
    problem = _problem_with_proxies(base_url)
    if problem is not None:
        raise ConfigurationError(problem)


def _problem_with_proxies(base_url: URL) -> str | None:
    if proxy_bypass(base_url.raw_host or ""):
        return None
    schemes = {name: _scheme_of(value) for name, value in getproxies().items()}
    for name in _READ_BY_AIOHTTP:
        if name in schemes and schemes[name] is None:
            return f"{_variable(name)} is not a URL such as http://proxy.example:3128"
    if base_url.scheme in schemes:
        scheme = schemes[base_url.scheme]
        if scheme == "http":
            return None
        return (
            f"{_variable(base_url.scheme)} names a proxy with the scheme {scheme}, which aiohttp does not use; "
            "name one with http, or pass session= with a connector that supports it, such as that of aiohttp-socks"
        )
    if "all" in schemes:
        return f"aiohttp does not read ALL_PROXY; set {_variable(base_url.scheme)} or NO_PROXY"
    return None


def _scheme_of(proxy: str) -> str | None:
    """Return the scheme of a proxy's URL; None if it is not a URL with a host."""
    try:
        url = URL(proxy)
        usable = bool(url.raw_host) and url.port != 0
    except ValueError:
        return None
    return (url.scheme or None) if usable else None


def _variable(name: str) -> str:
    return f"{name.upper()}_PROXY"
