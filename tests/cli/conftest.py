from collections.abc import Iterator, Mapping

import pytest

from ultravox_async.testing import Emulator
from ultravox_async.testing._threaded import threaded_emulator


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    """An emulated account for all tests of a module."""
    with threaded_emulator(registrations=5, requests_per_second=None) as emulator:
        yield emulator


@pytest.fixture
def account(emulator: Emulator) -> Mapping[str, str]:
    """The variables that lead to it."""
    return {"ULTRAVOX_API_KEY": emulator.api_key, "ULTRAVOX_BASE_URL": emulator.base_url}
