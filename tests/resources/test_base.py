import asyncio
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, NotRequired, TypedDict, cast

import attrs
import orjson
import pytest
from annotated_types import MaxLen

from ultravox_async import InvalidRequestError, NotFoundError, Pager, Sweep, UltravoxError, Via, resources
from ultravox_async._http.messages import Credentials, Request, Response
from ultravox_async._http.operation_class import OperationClass
from ultravox_async._http.scheduler import Priority
from ultravox_async._http.telemetry import Telemetry
from ultravox_async._http.transport import Transport
from ultravox_async._wire.payload import Secret
from ultravox_async.resources._base import Resource, request_for, request_to
from ultravox_async.types._markers import InQuery
from ultravox_async.types.shared.paging import ListOptions

THING = "/api/shelves/{shelf_id}/things/{thing_id}"


@attrs.define
class Thing:
    thing_id: str
    name: str | None = None


class NewThing(TypedDict):
    name: str
    is_draft: NotRequired[Annotated[bool, InQuery]]


class ThingFilters(ListOptions, total=False):
    name: Annotated[str, MaxLen(5), InQuery] | None


class Things(Resource):
    def create(self, fields: dict[str, object]) -> Coroutine[Any, Any, dict[str, object]]:
        return self._send("POST", "/api/things", dict[str, object], NewThing, fields)

    def start(self) -> Coroutine[Any, Any, Thing]:
        return self._send("POST", "/api/things/start", Thing, None, None, OperationClass.CREATE_CALL)

    def delete(self, shelf_id: str, thing_id: str) -> Coroutine[Any, Any, None]:
        return self._delete(THING, shelf_id=shelf_id, thing_id=thing_id)

    def list_all(self, shelf_id: str, **filters: Any) -> Pager[Thing]:  # noqa: ANN401 - the wrong types too
        return self._list("/api/shelves/{shelf_id}/things", Thing, ThingFilters, filters, shelf_id=shelf_id)

    def get_many(self, shelf_id: str, ids: Any, concurrency: int = 5, via: Via = "get") -> Sweep[Thing]:  # noqa: ANN401 - as above
        listing = self.list_all("shelf")
        return self._sweep(ids, THING, Thing, "thing_id", listing, concurrency, via, shelf_id=shelf_id)


class FakeTransport:
    """Answers from a script, and records the requests."""

    origin = "https://api.example.com"
    prefix = ""
    interval = 0.0

    def __init__(self, script: Callable[[Request], object] = lambda _: {"thingId": "t1"}) -> None:
        self.requests: list[Request] = []
        self.telemetry = Telemetry((), self.origin)
        self._script = script

    async def send(self, request: Request) -> Response:
        self.requests.append(request)
        content = self._script(request)
        if isinstance(content, UltravoxError):
            raise content
        return Response(200, {}, orjson.dumps(content), request, Credentials(Secret("a-key")))

    async def fetch(self, request: Request, into: type[object]) -> object:
        return (await self.send(request)).decode(into)

    async def perform(self, request: Request) -> None:
        await self.send(request)

    def spawn(self, work: Coroutine[Any, Any, object]) -> asyncio.Task[object]:
        return asyncio.get_running_loop().create_task(work)

    def check_open(self) -> None:
        """Nothing closes it."""


@pytest.fixture
def transport() -> FakeTransport:
    return FakeTransport()


@pytest.fixture
def things(transport: FakeTransport) -> Things:
    return Things(cast("Transport", transport))


def test_the_fields_of_an_operation_are_taken_when_it_is_called_and_not_when_it_is_awaited(
    things: Things, transport: FakeTransport
) -> None:
    fields: dict[str, object] = {"name": "alice"}
    things.create(fields).close()
    assert fields == {}
    assert transport.requests == []


async def test_an_operation_has_a_query_and_a_body(things: Things, transport: FakeTransport) -> None:
    assert await things.create({"name": "a", "is_draft": True}) == {"thingId": "t1"}
    [request] = transport.requests
    assert (request.method, request.path, request.query) == ("POST", "/api/things", "isDraft=true")
    assert request.body is not None
    assert request.body.content == b'{"name":"a"}'
    assert (request.priority, request.operation) == (Priority.INTERACTIVE, OperationClass.GENERAL)


async def test_an_operation_without_fields_has_neither(things: Things, transport: FakeTransport) -> None:
    assert await things.start() == Thing("t1")
    [request] = transport.requests
    assert (request.query, request.body, request.operation) == ("", None, OperationClass.CREATE_CALL)


async def test_a_deletion_sends_no_body(things: Things, transport: FakeTransport) -> None:
    await things.delete("s 1", "t1")
    [request] = transport.requests
    assert (request.method, request.path, request.body) == ("DELETE", "/api/shelves/s%201/things/t1", None)


async def test_a_listing_is_background_work_with_its_filters() -> None:
    transport = FakeTransport(lambda _: {"results": [{"thingId": "t1"}]})
    things = Things(cast("Transport", transport))
    assert [each async for each in things.list_all("s1", name="a", page_size=5, cursor=None)] == [Thing("t1")]
    [request] = transport.requests
    assert (request.method, request.path, request.query) == ("GET", "/api/shelves/s1/things", "name=a&pageSize=5")
    assert (request.priority, request.body, request.identity) == (Priority.BACKGROUND, None, None)


def test_a_listing_refuses_its_arguments_at_once(things: Things, transport: FakeTransport) -> None:
    with pytest.raises(InvalidRequestError, match="shelf_id"):
        things.list_all("..")
    with pytest.raises(InvalidRequestError, match="name: takes at most 5 characters"):
        things.list_all("s1", name="toolong")
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'; the arguments are"):
        things.list_all("s1", colour="red")
    assert transport.requests == []


def thing_asked_for(request: Request) -> object:
    key = request.path.rpartition("/")[2]
    return NotFoundError(404, "GET", request.path) if key == "missing" else {"thingId": key}


async def test_a_sweep_fetches_below_a_parent_in_the_background() -> None:
    transport = FakeTransport(thing_asked_for)
    sweep = Things(cast("Transport", transport)).get_many("s {1}", ["t1", "missing"])
    assert repr(sweep).startswith("<Sweep of Thing, GET /api/shelves/s%20%7B1%7D/things/{thing_id}, via='get'")
    result = await sweep
    assert result.found == {"t1": Thing("t1")}
    assert set(result.failed) == {"missing"}
    assert [request.path for request in transport.requests] == [
        "/api/shelves/s%20%7B1%7D/things/t1",
        "/api/shelves/s%20%7B1%7D/things/missing",
    ]
    assert {request.priority for request in transport.requests} == {Priority.BACKGROUND}
    assert transport.requests[0].identity == ("thingId", "t1")


async def test_a_sweep_finds_what_a_listing_shows_by_its_id() -> None:
    transport = FakeTransport(lambda _: {"results": [{"thingId": "t2"}, {"thingId": "t1"}]})
    result = await Things(cast("Transport", transport)).get_many("s1", ["t1", "t2"], via="list")
    assert result.found == {"t2": Thing("t2"), "t1": Thing("t1")}
    assert len(transport.requests) == 1


async def test_an_id_of_a_sweep_that_is_not_valid_has_an_error_of_its_own() -> None:
    result = await Things(cast("Transport", FakeTransport(thing_asked_for))).get_many("s1", ["..", "t1"])
    assert set(result.found) == {"t1"}
    assert isinstance(result.failed[".."], InvalidRequestError)


def test_a_sweep_refuses_its_arguments_at_once(things: Things) -> None:
    with pytest.raises(InvalidRequestError, match="shelf_id"):
        things.get_many("..", ["t1"])
    with pytest.raises(InvalidRequestError, match="ids"):
        things.get_many("s1", "t1")
    with pytest.raises(InvalidRequestError, match="concurrency"):
        things.get_many("s1", ["t1"], concurrency=0)
    with pytest.raises(InvalidRequestError, match="via"):
        things.get_many("s1", ["t1"], via=cast("Via", "post"))


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
        request_to("GET", "/api/corpora/{corpus_id}", corpus_id="..")


def test_there_are_no_other_resources_than_those_of_the_list() -> None:
    assert not hasattr(resources, "Anything")
