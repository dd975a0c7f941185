"""The server of the emulator, which takes longer to import than the options and their help."""

from ultravox_async.testing.__main__ import serve

__all__ = ["serve"]
