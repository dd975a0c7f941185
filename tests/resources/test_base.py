import pytest

from ultravox_async import InvalidRequestError
from ultravox_async.resources._base import path_of, request_for


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
