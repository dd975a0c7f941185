"""Proxies of the environment: what aiohttp would bypass in silence, or fail on at every request, is refused at once."""

from collections.abc import Mapping
from urllib.request import getproxies, proxy_bypass

from yarl import URL

from ultravox_async.errors import ConfigurationError

# The schemes whose variables aiohttp reads, all of them for each request.
_READ_BY_AIOHTTP = ("http", "https", "ws", "wss")


def check_proxies(base_url: URL) -> None:
    """Refuse variables such as ``HTTPS_PROXY`` that aiohttp does not use for this URL; see `getproxies`.

    Raises:
        ConfigurationError: A variable is no URL, or names a proxy that aiohttp cannot use. The text does not repeat
            its value, which may hold a password.
    """
    if proxy_bypass(base_url.raw_host or ""):
        return
    proxies = getproxies()
    for name in _READ_BY_AIOHTTP:
        if name in proxies:
            _parsed(name, proxies)
    if base_url.scheme in proxies:
        scheme = _parsed(base_url.scheme, proxies).scheme
        if scheme != "http":
            raise ConfigurationError(
                f"{_variable(base_url.scheme)} names a proxy with the scheme {scheme}, which aiohttp does not use; "
                "name one with http, or pass session= with a connector that speaks it, such as that of aiohttp-socks"
            )
    elif "all" in proxies:
        raise ConfigurationError(f"aiohttp does not read ALL_PROXY; set {_variable(base_url.scheme)} or NO_PROXY")


def _parsed(name: str, proxies: Mapping[str, str]) -> URL:
    try:
        url = URL(proxies[name])
        usable = bool(url.scheme and url.raw_host and url.port != 0)
    except ValueError:
        usable, url = False, URL()
    if not usable:
        raise ConfigurationError(f"{_variable(name)} is no URL such as http://proxy.example:3128")
    return url


def _variable(name: str) -> str:
    return f"{name.upper()}_PROXY"
