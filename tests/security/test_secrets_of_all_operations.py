"""Each place for a secret in what any operation sends, found in the annotations."""

from collections.abc import Iterator
from typing import Any

import attrs
import pytest

from tests.contract.methods import Method, Path, methods
from tests.security.canaries import PASSWORD, client_of, texts_of, texts_of_object, traces
from tests.security.test_canaries import echo
from tests.wire import HANG_UP, Script, Wire, answer, in_turn
from ultravox_async import Download, UltravoxError
from ultravox_async._wire.rules import Rule, fields_of


def places_of_secrets(rule: Rule, path: Path, *, sensitive: bool) -> Iterator[Path]:
    sensitive = sensitive or rule.sensitive
    if attrs.has(rule.kind):
        for name, field in fields_of(rule.kind).items():
            yield from places_of_secrets(field.rule, (*path, name), sensitive=sensitive)
    elif rule.items is not None:
        yield from places_of_secrets(rule.items, (*path, "[]"), sensitive=sensitive)
    elif sensitive and rule.kind is str:
        yield path


PLACES = [
    pytest.param(method, path, id=f"{method.name}: {'.'.join(path)}")
    for method in methods().values()
    for name, field in method.fields.items()
    for path in places_of_secrets(field.rule, (name,), sensitive=False)
]
FAILURES: list[Script] = [in_turn(HANG_UP), in_turn(answer(200, body=b"nonsense")), echo(400, str), echo(503, str)]


async def call(method: Method, path: Path, script: Script) -> BaseException:
    async with Wire(script) as wire, client_of(wire.base_url) as client:
        owner: Any = client
        *parents, last = method.name.split(".")
        for parent in parents:
            owner = getattr(owner, parent)
        result = getattr(owner, last)(**method.other_arguments(), **method.all_fields(path, PASSWORD))
        with pytest.raises(UltravoxError) as caught:
            await (read(result) if isinstance(result, Download) else result)
        assert any(b"canarypw" in request.body for request in wire.received), "the secret was sent"
    return caught.value


async def read(download: Download) -> None:
    async with download as stream:
        await stream.read()
    raise UltravoxError("a download has no form that the content could fail to have")


def test_there_are_secrets_in_many_operations() -> None:
    assert len({str(each.values[0]) for each in PLACES}) >= 10
    assert len(PLACES) >= 30


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(("method", "path"), PLACES)
async def test_no_failure_shows_a_secret_of_the_request(method: Method, path: Path) -> None:
    for script in FAILURES:
        assert traces(*texts_of(await call(method, path, script))) == []


@pytest.mark.parametrize(("method", "path"), PLACES)
def test_no_object_of_a_request_shows_its_secret(method: Method, path: Path) -> None:
    value = method.all_fields(path, PASSWORD)[path[0]]
    if len(path) > 1 and path[1] != "[]":
        assert traces(repr(value)) == []
        assert traces(*texts_of_object(getattr(value, "to_dict")())) == []  # noqa: B009 - a wire object
