"""What the examples do if their output cannot be written."""

import os
from collections.abc import Generator
from contextlib import contextmanager

import pytest

from tests.examples.example_scripts import ended, running

EXAMPLES = [
    ("fetch_registrations", "--count", "120", "--via", "list"),
    ("fetch_registrations", "--count", "120", "--via", "list", "--json"),
    ("watch_bot",),
    pytest.param(("telegram_bot",), marks=pytest.mark.slow),
    pytest.param(("fleet/main", "--count", "120", "--workers", "1"), marks=pytest.mark.slow),
]


@contextmanager
def pipe_that_nobody_reads() -> Generator[int]:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        yield writing
    finally:
        os.close(writing)


@contextmanager
def file_that_cannot_be_written() -> Generator[int]:
    number = os.open(os.devnull, os.O_RDONLY)
    try:
        yield number
    finally:
        os.close(number)


def complaints(stderr: str) -> list[str]:
    return [line for line in stderr.splitlines() if not line.startswith("Fetching from the embedded emulator")]


@pytest.mark.parametrize("command", EXAMPLES)
async def test_it_ends_silently_if_nobody_reads_its_output(command: tuple[str, ...]) -> None:
    with pipe_that_nobody_reads() as stdout:
        async with running(*command, stdout=stdout) as process:
            code, _, stderr = await ended(process)
    assert (code, complaints(stderr)) == (141, [])


@pytest.mark.parametrize("command", EXAMPLES)
async def test_output_that_cannot_be_written_is_one_line_and_exit_code_2(command: tuple[str, ...]) -> None:
    with file_that_cannot_be_written() as stdout:
        async with running(*command, stdout=stdout) as process:
            code, _, stderr = await ended(process)
    assert (code, complaints(stderr)) == (2, ["error: [Errno 9] Bad file descriptor"])


@pytest.mark.parametrize("arguments", [[], ["--json"]])
async def test_if_nothing_at_all_can_be_written_the_exit_code_says_so(arguments: list[str]) -> None:
    with file_that_cannot_be_written() as output:
        async with running("fetch_registrations", *arguments, stdout=output, stderr=output) as process:
            assert await process.wait() == 2
