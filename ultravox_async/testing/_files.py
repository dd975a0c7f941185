"""Files of any size, whose bytes are calculated when they are read."""

import hashlib
import math
import random
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from struct import pack

import attrs

WAV = "audio/wav"
"""The media type of `tone`."""

SAMPLE_RATE = 8000
"""The sample rate of generated audio, in hertz. It is low, so that files stay small."""

_SAMPLE_WIDTH = 2
_WAV_HEADER_SIZE = 44

# A WAV file has its size without the first 8 bytes in 32 bits.
LONGEST_TONE = timedelta(seconds=(2**32 - 1 - (_WAV_HEADER_SIZE - 8)) // (SAMPLE_RATE * _SAMPLE_WIDTH))
"""How long a `tone` can be: 74.5 hours."""

# A prime number, so that a part of a file that arrives at the wrong place is recognized.
_NOISE_PERIOD = 65_521
_PIECE_SIZE = 65_536


@attrs.frozen
class Content:
    """The bytes of a file: some at the beginning, and then others again and again."""

    size: int
    """How many bytes there are."""

    beginning: bytes = attrs.field(repr=False)
    """The first of them, or all."""

    period: bytes = attrs.field(default=b"\0", repr=False)
    """What is repeated behind the beginning."""

    def read(self, start: int, length: int) -> bytes:
        """The bytes from `start` on, at most `length` of them."""
        end = min(start + length, self.size)
        found = self.beginning[start:end]
        start += len(found)
        if start >= end:
            return found
        offset = (start - len(self.beginning)) % len(self.period)
        repeated = self.period * ((offset + end - start) // len(self.period) + 1)
        return found + repeated[offset : offset + end - start]


@attrs.frozen
class FilePart:
    """Bytes of a file that follow each other, to be sent. They are calculated while they are sent."""

    content: Content
    """The whole file."""

    positions: range
    """Where in the file they are."""

    def __len__(self) -> int:
        """How many bytes there are."""
        return len(self.positions)

    def pieces(self, length: int) -> Iterator[bytes]:
        """The first `length` bytes, in pieces."""
        wanted = self.positions[:length]
        for start in range(0, len(wanted), _PIECE_SIZE):
            piece = wanted[start : start + _PIECE_SIZE]
            yield self.content.read(piece.start, len(piece))


@attrs.frozen
class StoredFile:
    """A file in the storage of an emulator."""

    name: str
    """Its name, which is the path of its URL without the slash at the beginning."""

    content_type: str
    """Its media type."""

    etag: str
    """The entity tag, which changes with the file."""

    content: Content = attrs.field(repr=False)
    """Its bytes."""

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return self.content.size

    def read(self, start: int = 0, length: int | None = None) -> bytes:
        """The bytes from `start` on, at most `length` of them; by default all."""
        return self.content.read(start, self.size if length is None else length)


def noise(size: int, seed: str) -> Content:
    """Any number of random bytes; the same `seed` generates the same ones."""
    generator = random.Random(seed)  # noqa: S311 - has to be reproducible, is not for security
    return Content(size, b"", generator.randbytes(_NOISE_PERIOD))


def given(content: bytes) -> Content:
    """These bytes."""
    return Content(len(content), content)


def tone(seconds: float, seed: str) -> Content:
    """A WAV file with a tone: one channel of 16-bit PCM. The pitch depends on `seed`."""
    count = round(seconds * SAMPLE_RATE)
    pitch = 220 + 10 * (int.from_bytes(hashlib.sha256(seed.encode()).digest()[:4]) % 64)
    size = count * _SAMPLE_WIDTH
    return Content(_WAV_HEADER_SIZE + size, _wav_header(size), _second_of(pitch))


def _wav_header(size: int) -> bytes:
    channels, bits = 1, 8 * _SAMPLE_WIDTH
    format_chunk = pack(
        "<4sIHHIIHH", b"fmt ", 16, 1, channels, SAMPLE_RATE, SAMPLE_RATE * _SAMPLE_WIDTH, _SAMPLE_WIDTH, bits
    )
    length = _WAV_HEADER_SIZE - 8 + size
    return pack("<4sI4s", b"RIFF", length, b"WAVE") + format_chunk + pack("<4sI", b"data", size)


@cache
def _second_of(pitch: int) -> bytes:
    wave = (round(8000 * math.sin(2 * math.pi * pitch * position / SAMPLE_RATE)) for position in range(SAMPLE_RATE))
    return pack(f"<{SAMPLE_RATE}h", *wave)
