"""The version of what is installed."""

from importlib.metadata import version


def installed() -> str:
    """Return the version of the package that the command belongs to."""
    return version("ultravox-async")
