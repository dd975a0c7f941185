"""What the table of operations can say of a resource, with one that the API does not have."""

from datetime import UTC, datetime
from functools import partial
from random import Random
from typing import Annotated, NotRequired, TypedDict

import attrs
import orjson
import pytest
from annotated_types import MaxLen

from ultravox_async.testing import RecordedRequest
from ultravox_async.testing._collection import Collection, CollectionSettings
from ultravox_async.testing._pages import PageSizes
from ultravox_async.testing._routing import Router
from ultravox_async.testing._wire import Answer, Json, json_answer

ORIGIN = "http://emulator.example"
NOTES = "/api/notes"


@attrs.define
class Note:
    note_id: str
    short_title: str
    text: str | None = None


class NewNote(TypedDict):
    short_title: Annotated[str, MaxLen(5)]
    text: NotRequired[str | None]
    access_code: NotRequired[str]


@pytest.fixture
def notes() -> Collection:
    return Collection(
        noun="note",
        id_name="note_id",
        shows=Note,
        random=Random(0),  # noqa: S311 - has to be reproducible, is not for security
        settings=CollectionSettings(PageSizes(default=2, maximum=9), datetime(2026, 1, 1, tzinfo=UTC)),
    )


@pytest.fixture
def api(notes: Collection) -> Router:
    return Router(
        {
            NOTES: {"GET": notes.list_page, "POST": partial(notes.create, NewNote)},
            f"{NOTES}/newest": {"GET": lambda _: json_answer(200, "the newest")},
            f"{NOTES}/{{note_id}}": {"GET": notes.get, "PUT": partial(notes.replace, NewNote), "DELETE": notes.delete},
            f"{NOTES}/{{note_id}}/pages/{{page_number}}": {"GET": lambda request: json_answer(200, dict(request.ids))},
        }
    )


def send(api: Router, method: str, path: str, content: object = None, **query: str) -> Answer:
    return api.answer(RecordedRequest(method, path, query, {}, orjson.dumps(content), at=0.0), ORIGIN)


def content(answer: Answer, status: int = 200) -> dict[str, Json]:
    assert answer.status == status
    assert isinstance(answer.body, bytes)
    found: dict[str, Json] = orjson.loads(answer.body)
    return found


def created(api: Router, **fields: str) -> dict[str, Json]:
    return content(send(api, "POST", NOTES, {"shortTitle": "one", **fields}), 201)


def test_an_answer_shows_the_fields_of_its_class_in_their_order(api: Router) -> None:
    answer = created(api, accessCode="made-up")
    assert list(answer) == ["noteId", "shortTitle", "text"]
    assert (answer["shortTitle"], answer["text"]) == ("one", None)


def test_a_replacement_sets_what_was_sent_and_clears_what_was_not(api: Router, notes: Collection) -> None:
    before = created(api, text="long", accessCode="made-up")
    path = f"{NOTES}/{before['noteId']}"
    answer = content(send(api, "PUT", path, {"shortTitle": "two", "noteId": "mine"}))
    assert answer == {"noteId": before["noteId"], "shortTitle": "two", "text": None}
    assert content(send(api, "GET", path)) == answer
    assert notes.find(str(before["noteId"])).hidden["accessCode"] is None


@pytest.mark.parametrize(
    ("sent", "errors"),
    [
        ({"text": "long"}, {"shortTitle": ["This field is required."]}),
        ({"shortTitle": "longer"}, {"shortTitle": ["Ensure this field has no more than 5 characters."]}),
    ],
)
def test_an_invalid_replacement_changes_nothing(api: Router, sent: dict[str, str], errors: Json) -> None:
    before = created(api, text="long")
    path = f"{NOTES}/{before['noteId']}"
    assert content(send(api, "PUT", path, sent), 400) == errors
    assert content(send(api, "GET", path)) == before


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_the_error_for_an_unknown_id_names_the_kind_of_object(api: Router, method: str) -> None:
    assert content(send(api, method, f"{NOTES}/nothing", {"shortTitle": "two"}), 404) == {"detail": "No such note"}


def test_a_method_that_the_table_does_not_have_is_refused(api: Router) -> None:
    answer = send(api, "PATCH", f"{NOTES}/any", {})
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, PUT, DELETE")


def test_links_to_other_pages_lead_to_the_path_that_was_asked_for(api: Router) -> None:
    for _ in range(3):
        created(api)
    first = content(send(api, "GET", NOTES))
    assert str(first["next"]).startswith(f"{ORIGIN}{NOTES}?cursor=")
    assert first["total"] == 3


def test_the_first_path_that_matches_is_used(api: Router) -> None:
    assert send(api, "GET", f"{NOTES}/newest").body == b'"the newest"'


def test_a_path_may_have_several_parameters(api: Router) -> None:
    assert content(send(api, "GET", f"{NOTES}/a%2Fb/pages/7")) == {"note_id": "a/b", "page_number": "7"}
