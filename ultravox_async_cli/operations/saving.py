"""Saves contents that are no JSON: recordings, samples of voices, logs."""

from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import BinaryIO, Final

from ultravox_async import Download, UltravoxError
from ultravox_async_cli.errors import CommandError
from ultravox_async_cli.terminal import Terminal

_STANDARD_OUTPUT: Final = "-"


@contextmanager
def stream_for(target: str | None, terminal: Terminal) -> Generator[BinaryIO | None]:
    """Open what a content is written to piece by piece; None for a file, which gets it as a whole.

    Use it outside of `asyncio.run`: a pipe is opened once somebody reads from it, and Ctrl-C has to end that wait.

    Args:
        target: The name of a file, of a pipe or of a device; ``-`` or None for standard output.
        terminal: Which has standard output.

    Raises:
        CommandError: Standard output is a terminal, and nobody has asked for it; or the target cannot be written to.
    """
    if target is None and terminal.stdout.isatty():
        raise CommandError("this is not for a terminal: use -o FILE, or a pipe")
    if target is None or target == _STANDARD_OUTPUT:
        yield terminal.stdout.buffer
        return
    path = Path(target)
    try:
        # A file is not opened: it is replaced when the content is complete, which a pipe or a device cannot be.
        special = path.open("wb") if path.exists() and not (path.is_file() or path.is_dir()) else None
    except OSError as error:
        raise _cannot_write(target, error) from None
    with special or nullcontext() as stream:
        yield stream


async def write(download: Download, stream: BinaryIO, terminal: Terminal) -> None:
    """Write a content to a stream, which may be standard output.

    Raises:
        OSError: The stream takes nothing more.
        UltravoxError: It could not be downloaded.
    """
    async with download as pieces:
        async for piece in pieces:
            with terminal.printing():
                stream.write(piece)


async def save(download: Download, target: str, terminal: Terminal) -> None:
    """Save a content in a file, and say how long it is.

    Raises:
        CommandError: The file cannot be written.
        UltravoxError: It could not be downloaded.
    """
    try:
        size = await download.save(target)
    except UltravoxError:  # some of which are OSErrors
        raise
    except OSError as error:
        raise _cannot_write(target, error) from None
    terminal.note(f"{target}: {size:,} bytes")


def _cannot_write(target: str, error: OSError) -> CommandError:
    return CommandError(f"cannot write {target}: {error.strerror}")
