from collections.abc import Coroutine
from typing import Any, TypedDict, cast

import pytest

from ultravox_async import InvalidRequestError, resources
from ultravox_async._http.messages import Request
from ultravox_async.resources._base import Resource, path_of, request_for


class NewThing(TypedDict):
    name: str


class Things(Resource):
    def create(self, fields: dict[str, object]) -> Coroutine[Any, Any, dict[str, object]]:
        return self._send("POST", "/api/things", dict[str, object], NewThing, fields)


class NoTransport:
    """Stands where the transport is; the operation is never awaited."""

    async def fetch(self, _request: Request, into: type[object]) -> object:
        raise AssertionError(into)


def test_the_fields_of_an_operation_are_taken_when_it_is_called_and_not_when_it_is_awaited() -> None:
    fields: dict[str, object] = {"name": "alice"}
    Things(cast("Any", NoTransport())).create(fields).close()
    assert fields == {}


def test_a_response_must_have_the_id_that_the_path_ends_with() -> None:
    request = request_for("GET", "/api/corpora/{corpus_id}/sources/{source_id}", {"corpus_id": "c", "source_id": "s"})
    assert request.path == "/api/corpora/c/sources/s"
    assert request.identity == ("sourceId", "s")


def test_a_response_may_have_any_id_if_the_path_does_not_end_with_one() -> None:
    request = request_for("GET", "/api/corpora/{corpus_id}/sources", {"corpus_id": "c"})
    assert request.path == "/api/corpora/c/sources"
    assert request.identity is None


def test_an_id_is_quoted_in_the_path_and_plain_in_the_response() -> None:
    request = request_for("GET", "/api/corpora/{corpus_id}", {"corpus_id": "a b{c}"})
    assert request.path == "/api/corpora/a%20b%7Bc%7D"
    assert request.identity == ("corpusId", "a b{c}")


def test_an_invalid_id_is_refused_by_its_name() -> None:
    with pytest.raises(InvalidRequestError, match="corpus_id"):
        path_of("/api/corpora/{corpus_id}", corpus_id="..")


def test_there_are_no_other_resources_than_those_of_the_list() -> None:
    assert not hasattr(resources, "Anything")
