import json
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias, cast

import aiohttp
import pytest
from aioresponses import aioresponses

from tests.wire import KEY, shown
from ultravox_async import AsyncUltravox, BadRequestError, DecodeError, InvalidRequestError, NotFoundError
from ultravox_async.resources.corpora import Corpora
from ultravox_async.testing import Emulator
from ultravox_async.types import (
    AdvancedSpec,
    Citation,
    Corpus,
    CorpusDocument,
    CorpusDocumentMetadata,
    CorpusQueryResult,
    CorpusSource,
    CorpusStats,
    CorpusUpload,
    CrawlSpec,
    DocumentDetails,
    MimeTypeFilter,
    MimeTypeSet,
    SourceStats,
    UploadSpec,
)

Call: TypeAlias = Callable[[AsyncUltravox], Coroutine[Any, Any, object]]

CREATED = "2026-07-02T10:00:00Z"
WHEN = datetime(2026, 7, 2, 10, tzinfo=UTC)
CRAWL = CrawlSpec(["https://example.com/"], max_depth=2)
CORPUS_ON_THE_WIRE: Mapping[str, object] = {"corpusId": "c1", "created": CREATED}
SOURCE_ON_THE_WIRE: Mapping[str, object] = {"corpusId": "c1", "sourceId": "s1", "created": CREATED}
DOCUMENT_ON_THE_WIRE: Mapping[str, object] = {
    "corpusId": "c1",
    "sourceId": "s1",
    "documentId": "d1",
    "created": CREATED,
}
PRESIGNED = "https://storage.example.com/d1?signature=canary-5d1e"


def last(emulator: Emulator) -> tuple[str, str, object]:
    request = emulator.requests[-1]
    return request.method, request.path, json.loads(request.body) if request.body else None


async def put(upload: CorpusUpload, content: bytes, mime_type: str) -> None:
    headers = {"Content-Type": mime_type}
    async with (
        aiohttp.ClientSession() as storage,
        storage.put(upload.presigned_url, data=content, headers=headers) as response,
    ):
        assert response.status == 200


async def uploaded(ultravox: AsyncUltravox, corpus_id: str) -> str:
    """Upload a document, and return its id."""
    upload = await ultravox.corpora.request_upload(corpus_id, mime_type="text/plain")
    await put(upload, b"some text", "text/plain")
    return upload.document_id


async def answered(responses: aioresponses, path: str, payload: object, call: Call, method: str = "GET") -> Any:  # noqa: ANN401 - what the call returns
    responses.add(f"https://api.ultravox.ai{path}", method, payload=payload)  # type: ignore[arg-type]  # any JSON # pyright: ignore[reportUnknownMemberType] - partly typed in aioresponses
    async with AsyncUltravox(KEY) as ultravox:
        return await call(ultravox)


async def test_the_resources_say_what_they_offer(ultravox: AsyncUltravox) -> None:
    offered = [repr(each).partition(": ")[2] for each in (ultravox.corpora, ultravox.corpora.sources)]
    assert offered == [
        "create, delete, get, get_many, list, query, replace, request_upload, sources, update, upload>",
        "create, delete, documents, get, get_many, list, replace, update>",
    ]
    assert "get, get_many, list>" in repr(ultravox.corpora.sources.documents)


async def test_a_corpus_is_created(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    corpus = await ultravox.corpora.create(name="Handbook", description="How we work")
    assert last(ultravox_emulator) == ("POST", "/api/corpora", {"name": "Handbook", "description": "How we work"})
    assert (corpus.name, corpus.description) == ("Handbook", "How we work")
    assert corpus.stats == CorpusStats("CORPUS_STATUS_EMPTY", num_chunks=0, num_docs=0, num_vectors=0)


async def test_a_corpus_is_fetched(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    corpus = await ultravox.corpora.create(name="Handbook")
    assert await ultravox.corpora.get(corpus.corpus_id) == corpus
    assert last(ultravox_emulator) == ("GET", f"/api/corpora/{corpus.corpus_id}", None)


async def test_corpora_are_listed_page_by_page(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    corpora = [await ultravox.corpora.create(name=name) for name in "abc"]
    assert [each async for each in ultravox.corpora.list(page_size=2)] == corpora
    assert ultravox_emulator.requests[-2].query == {"pageSize": "2"}


@pytest.mark.parametrize("via", ["get", "list", "auto"])
async def test_many_corpora_are_fetched(ultravox: AsyncUltravox, via: Any) -> None:  # noqa: ANN401 - one of three
    corpus = await ultravox.corpora.create(name="Handbook")
    result = await ultravox.corpora.get_many([corpus.corpus_id, "missing"], via=via)
    assert result.found == {corpus.corpus_id: corpus}
    assert isinstance(result.failed["missing"], NotFoundError)


async def test_a_corpus_is_changed_in_the_fields_that_are_named(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator
) -> None:
    corpus = await ultravox.corpora.create(name="Handbook", description="How we work")
    changed = await ultravox.corpora.update(corpus.corpus_id, name="Manual")
    assert last(ultravox_emulator) == ("PATCH", f"/api/corpora/{corpus.corpus_id}", {"name": "Manual"})
    assert (changed.name, changed.description) == ("Manual", "How we work")


async def test_a_corpus_is_replaced_as_a_whole(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    corpus = await ultravox.corpora.create(name="Handbook", description="How we work")
    replaced = await ultravox.corpora.replace(corpus.corpus_id, name="Manual")
    assert last(ultravox_emulator) == ("PUT", f"/api/corpora/{corpus.corpus_id}", {"name": "Manual"})
    assert (replaced.name, replaced.description) == ("Manual", None)


async def test_a_corpus_that_is_deleted_has_no_sources_any_more(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator
) -> None:
    corpus = await ultravox.corpora.create(name="Handbook")
    source = await ultravox.corpora.sources.create(corpus.corpus_id, crawl=CRAWL)
    await ultravox.corpora.delete(corpus.corpus_id)
    assert last(ultravox_emulator) == ("DELETE", f"/api/corpora/{corpus.corpus_id}", None)
    with pytest.raises(NotFoundError, match="No such corpus"):
        await ultravox.corpora.sources.get(corpus.corpus_id, source.source_id)


async def test_a_source_is_created_from_the_web(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    corpus = await ultravox.corpora.create(name="Handbook")
    kept = MimeTypeFilter(include=MimeTypeSet(["text/html"]))
    crawl = CrawlSpec(["https://example.com/"], 2, relevant_document_types=kept)
    source = await ultravox.corpora.sources.create(corpus.corpus_id, name="Site", crawl=crawl)
    sent = {
        "startUrls": ["https://example.com/"],
        "maxDepth": 2,
        "relevantDocumentTypes": {"include": {"mimeTypes": ["text/html"]}},
    }
    path = f"/api/corpora/{corpus.corpus_id}/sources"
    assert last(ultravox_emulator) == ("POST", path, {"name": "Site", "crawl": sent})
    assert (source.corpus_id, source.name, source.crawl) == (corpus.corpus_id, "Site", crawl)
    assert source.stats == SourceStats("SOURCE_STATUS_READY", source.created, 1)


async def test_a_source_is_created_from_an_upload(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    corpus = await ultravox.corpora.create()
    upload = await ultravox.corpora.request_upload(corpus.corpus_id, mime_type="application/pdf", file_name="a.pdf")
    assert last(ultravox_emulator) == (
        "POST",
        f"/api/corpora/{corpus.corpus_id}/uploads",
        {"mimeType": "application/pdf", "fileName": "a.pdf"},
    )
    await put(upload, b"%PDF-1.7", "application/pdf")
    source = await ultravox.corpora.sources.create(corpus.corpus_id, upload=UploadSpec([upload.document_id]))
    [document] = [each async for each in ultravox.corpora.sources.documents.list(corpus.corpus_id, source.source_id)]
    assert (document.document_id, document.mime_type) == (upload.document_id, "application/pdf")
    assert document.size_bytes == "8"


async def test_a_source_is_created_from_uploads_with_example_queries(ultravox: AsyncUltravox) -> None:
    corpus = await ultravox.corpora.create()
    ids = [await uploaded(ultravox, corpus.corpus_id) for _ in range(2)]
    advanced = AdvancedSpec([DocumentDetails(ids[0], ["Where is the key?"]), DocumentDetails(ids[1])])
    source = await ultravox.corpora.sources.create(corpus.corpus_id, advanced=advanced)
    documents = [each async for each in ultravox.corpora.sources.documents.list(corpus.corpus_id, source.source_id)]
    assert [each.document_id for each in documents] == ids
    assert documents[0].metadata == CorpusDocumentMetadata(example_queries=["Where is the key?"])


async def test_the_documents_of_a_source_are_those_of_its_last_change(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator
) -> None:
    corpus = await ultravox.corpora.create()
    source = await ultravox.corpora.sources.create(corpus.corpus_id, load_spec=CRAWL)
    more = CrawlSpec(["https://example.com/", "https://example.com/b"])
    changed = await ultravox.corpora.sources.update(corpus.corpus_id, source.source_id, load_spec=more)
    path = f"/api/corpora/{corpus.corpus_id}/sources/{source.source_id}"
    assert last(ultravox_emulator) == ("PATCH", path, {"loadSpec": {"startUrls": more.start_urls}})
    assert changed.stats is not None
    assert changed.stats.num_docs == 2
    documents = [each async for each in ultravox.corpora.sources.documents.list(corpus.corpus_id, source.source_id)]
    assert [each.metadata and each.metadata.public_url for each in documents] == more.start_urls


async def test_a_source_is_replaced_as_a_whole(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    corpus = await ultravox.corpora.create()
    source = await ultravox.corpora.sources.create(corpus.corpus_id, name="Site", crawl=CRAWL)
    upload = UploadSpec([await uploaded(ultravox, corpus.corpus_id)])
    replaced = await ultravox.corpora.sources.replace(corpus.corpus_id, source.source_id, upload=upload)
    path = f"/api/corpora/{corpus.corpus_id}/sources/{source.source_id}"
    assert last(ultravox_emulator) == ("PUT", path, {"upload": {"documentIds": upload.document_ids}})
    assert (replaced.name, replaced.crawl, replaced.upload) == (None, None, upload)


async def test_a_source_is_deleted(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    corpus = await ultravox.corpora.create()
    source = await ultravox.corpora.sources.create(corpus.corpus_id, crawl=CRAWL)
    await ultravox.corpora.sources.delete(corpus.corpus_id, source.source_id)
    path = f"/api/corpora/{corpus.corpus_id}/sources/{source.source_id}"
    assert last(ultravox_emulator) == ("DELETE", path, None)
    with pytest.raises(NotFoundError, match="No such source"):
        await ultravox.corpora.sources.get(corpus.corpus_id, source.source_id)


async def test_a_source_belongs_to_one_corpus(ultravox: AsyncUltravox) -> None:
    one, other = await ultravox.corpora.create(), await ultravox.corpora.create()
    source = await ultravox.corpora.sources.create(one.corpus_id, crawl=CRAWL)
    assert await ultravox.corpora.sources.get(one.corpus_id, source.source_id) == source
    assert [each async for each in ultravox.corpora.sources.list(one.corpus_id, page_size=1)] == [source]
    assert [each async for each in ultravox.corpora.sources.list(other.corpus_id)] == []
    with pytest.raises(NotFoundError, match="No such source"):
        await ultravox.corpora.sources.get(other.corpus_id, source.source_id)


async def test_a_document_belongs_to_one_source(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    corpus = await ultravox.corpora.create()
    one, other = [await ultravox.corpora.sources.create(corpus.corpus_id, crawl=CRAWL) for _ in range(2)]
    documents = ultravox.corpora.sources.documents
    [document] = [each async for each in documents.list(corpus.corpus_id, one.source_id, page_size=5)]
    assert ultravox_emulator.requests[-1].query == {"pageSize": "5"}
    assert await documents.get(corpus.corpus_id, one.source_id, document.document_id) == document
    path = f"/api/corpora/{corpus.corpus_id}/sources/{one.source_id}/documents/{document.document_id}"
    assert last(ultravox_emulator) == ("GET", path, None)
    with pytest.raises(NotFoundError, match="No such document"):
        await documents.get(corpus.corpus_id, other.source_id, document.document_id)


@pytest.mark.parametrize("via", ["get", "list", "auto"])
async def test_many_sources_of_a_corpus_are_fetched(ultravox: AsyncUltravox, via: Any) -> None:  # noqa: ANN401 - one of three
    one, other = await ultravox.corpora.create(), await ultravox.corpora.create()
    source = await ultravox.corpora.sources.create(one.corpus_id, crawl=CRAWL)
    stranger = await ultravox.corpora.sources.create(other.corpus_id, crawl=CRAWL)
    sweep = ultravox.corpora.sources.get_many(one.corpus_id, [source.source_id, stranger.source_id], via=via)
    assert repr(sweep).startswith(f"<Sweep of CorpusSource, GET /api/corpora/{one.corpus_id}/sources/{{source_id}}")
    result = await sweep
    assert result.found == {source.source_id: source}
    assert isinstance(result.failed[stranger.source_id], NotFoundError)


@pytest.mark.parametrize("via", ["get", "list", "auto"])
async def test_many_documents_of_a_source_are_fetched(ultravox: AsyncUltravox, via: Any) -> None:  # noqa: ANN401 - one of three
    corpus = await ultravox.corpora.create()
    ids = [await uploaded(ultravox, corpus.corpus_id) for _ in range(2)]
    source = await ultravox.corpora.sources.create(corpus.corpus_id, upload=UploadSpec(ids))
    documents = ultravox.corpora.sources.documents
    result = await documents.get_many(corpus.corpus_id, source.source_id, [*ids, "d3"], via=via)
    assert set(result.found) == set(ids)
    assert set(result.failed) == {"d3"}


NAMING_A_PARENT: list[Callable[[Corpora], object]] = [
    lambda corpora: corpora.sources.get_many("..", ["s1"]),
    lambda corpora: corpora.sources.list(".."),
    lambda corpora: corpora.sources.documents.get_many("..", "s1", ["d1"]),
    lambda corpora: corpora.sources.documents.list("..", "s1"),
]


@pytest.mark.parametrize("work", NAMING_A_PARENT)
async def test_an_invalid_id_of_a_parent_is_refused_at_once(
    ultravox: AsyncUltravox, work: Callable[[Corpora], object]
) -> None:
    with pytest.raises(InvalidRequestError, match=r"corpus_id: '\.\.' is not a valid id"):
        work(ultravox.corpora)


async def test_a_corpus_is_queried(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    corpus = await ultravox.corpora.create()
    urls = [f"https://example.com/{number}" for number in range(3)]
    source = await ultravox.corpora.sources.create(corpus.corpus_id, crawl=CrawlSpec(urls))
    results = await ultravox.corpora.query(corpus.corpus_id, query="Where is the key?", max_results=2)
    path = f"/api/corpora/{corpus.corpus_id}/query"
    assert last(ultravox_emulator) == ("POST", path, {"query": "Where is the key?", "maxResults": 2})
    assert [each.citation and each.citation.public_url for each in results] == urls[:2]
    assert [each.score for each in results] == [1.0, 0.5]
    assert {each.citation and each.citation.source_id for each in results} == {source.source_id}


async def test_a_corpus_with_documents_is_ready(ultravox: AsyncUltravox) -> None:
    corpus = await ultravox.corpora.create()
    await ultravox.corpora.sources.create(corpus.corpus_id, crawl=CRAWL)
    stats = (await ultravox.corpora.get(corpus.corpus_id)).stats
    assert stats == CorpusStats("CORPUS_STATUS_READY", num_chunks=1, num_docs=1, num_vectors=1)


async def test_the_url_of_an_upload_is_a_secret(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    corpus = await ultravox.corpora.create()
    upload = await ultravox.corpora.request_upload(corpus.corpus_id, mime_type="text/plain")
    assert upload.presigned_url.startswith(f"{ultravox_emulator.storage.base_url}/")
    assert "signature" not in f"{upload!r} {upload.to_dict()}"
    assert upload.to_dict(sensitive=True)["presignedUrl"] == upload.presigned_url


async def test_the_url_of_an_upload_is_in_no_error(ultravox_responses: aioresponses) -> None:
    with pytest.raises(DecodeError) as caught:
        await answered(
            ultravox_responses,
            "/api/corpora/c1/uploads",
            {"documentId": "d1", "presignedUrl": [PRESIGNED]},
            lambda ultravox: ultravox.corpora.request_upload("c1", mime_type="text/plain"),
            "POST",
        )
    assert "canary-5d1e" not in shown(caught.value)


def creating(**source: Any) -> Call:  # noqa: ANN401 - the wrong types too
    return lambda ultravox: ultravox.corpora.sources.create("c1", **source)


REFUSED: list[tuple[Call, str]] = [
    (creating(), "crawl, upload, advanced, load_spec: exactly one of these can be given, not 0"),
    (creating(name="Site", crawl=None), "exactly one of these can be given, not 0"),
    (creating(crawl=CRAWL, upload=UploadSpec(["d1"])), "exactly one of these can be given, not 2"),
    (creating(crawl="https://example.com"), "crawl: takes a CrawlSpec, not str"),
    (creating(crawl=CrawlSpec(cast("list[str]", "https://example.com"))), "start_urls: takes a list, not str"),
    (creating(crawl=CrawlSpec([], cast("int", 1.5))), "crawl.max_depth: takes a whole number, not float"),
    (
        creating(advanced=AdvancedSpec([DocumentDetails("d1", ["x"] * 11)])),
        r"advanced.documents\[0\].example_queries: takes at most 10 items, not 11",
    ),
    (
        creating(advanced=AdvancedSpec([DocumentDetails("d1", ["x", "x" * 401])])),
        r"example_queries\[1\]: takes at most 400 characters, not 401",
    ),
    (
        creating(advanced=AdvancedSpec([DocumentDetails("d1", [""])])),
        r"example_queries\[0\]: takes 1 to 400 characters, not 0",
    ),
    (lambda ultravox: ultravox.corpora.sources.update("c1", "s1"), "changes: takes at least one of name"),
    (
        lambda ultravox: ultravox.corpora.sources.update("c1", "s1", crawl=CRAWL, load_spec=CRAWL),
        "exactly one of these can be given, not 2",
    ),
    (lambda ultravox: ultravox.corpora.sources.replace("c1", "s1", name="Site"), "can be given, not 0"),
    (lambda ultravox: ultravox.corpora.sources.get("c1", ".."), "source_id: '..' is not a valid id"),
    (lambda ultravox: ultravox.corpora.sources.documents.get("c1", "s1", ""), "document_id: '' is not a valid id"),
    (lambda ultravox: ultravox.corpora.update("c1"), "changes: takes at least one of name, description"),
    (lambda ultravox: ultravox.corpora.update("c1", name=cast("str", None)), "name: takes a string, not NoneType"),
    (lambda ultravox: ultravox.corpora.request_upload("c1", mime_type=""), "mime_type: takes at least 1"),
    (lambda ultravox: ultravox.corpora.query("c1", query="x", max_results=True), "takes a whole number, not bool"),
]


@pytest.mark.parametrize(("call", "problem"), REFUSED)
async def test_what_cannot_be_right_is_refused_before_it_is_sent(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator, call: Call, problem: str
) -> None:
    with pytest.raises(InvalidRequestError, match=problem):
        await call(ultravox)
    assert ultravox_emulator.received == 0


MISCALLED: list[Callable[[Any], Any]] = [
    lambda ultravox: ultravox.corpora.query("c1"),
    lambda ultravox: ultravox.corpora.request_upload("c1", file_name="a.pdf"),
    lambda ultravox: ultravox.corpora.create(title="Handbook"),
    lambda ultravox: ultravox.corpora.sources.create("c1", source_id="s1", crawl=CRAWL),
]


@pytest.mark.parametrize("call", MISCALLED)
async def test_a_field_that_is_missing_or_does_not_exist_is_a_type_error(
    ultravox: AsyncUltravox, call: Callable[[Any], Any]
) -> None:
    with pytest.raises(TypeError, match="keyword argument"):
        await call(ultravox)


@pytest.mark.parametrize("missing", [{}, {"name": None, "stats": None}])
async def test_fields_of_a_corpus_that_are_absent_or_null_are_none(
    ultravox_responses: aioresponses, missing: dict[str, object]
) -> None:
    wire = {**CORPUS_ON_THE_WIRE, **missing, "newlyInvented": {"a": 1}}
    got = await answered(ultravox_responses, "/api/corpora/c1", wire, lambda ultravox: ultravox.corpora.get("c1"))
    assert got == Corpus("c1", WHEN)


async def test_a_status_that_is_new_survives(ultravox_responses: aioresponses) -> None:
    wire = {**CORPUS_ON_THE_WIRE, "stats": {"status": "CORPUS_STATUS_FROZEN", "lastUpdated": CREATED}}
    got = await answered(ultravox_responses, "/api/corpora/c1", wire, lambda ultravox: ultravox.corpora.get("c1"))
    assert got.stats == CorpusStats("CORPUS_STATUS_FROZEN", WHEN)


@pytest.mark.parametrize("missing", [{}, {"crawl": None, "upload": None, "name": None}])
async def test_a_source_of_which_nothing_is_known_is_decoded(
    ultravox_responses: aioresponses, missing: dict[str, object]
) -> None:
    wire = {**SOURCE_ON_THE_WIRE, **missing}
    path = "/api/corpora/c1/sources/s1"
    got = await answered(ultravox_responses, path, wire, lambda ultravox: ultravox.corpora.sources.get("c1", "s1"))
    assert got == CorpusSource("c1", "s1", WHEN)


async def test_a_source_that_the_api_says_two_things_of_is_decoded(ultravox_responses: aioresponses) -> None:
    wire = {**SOURCE_ON_THE_WIRE, "crawl": {}, "loadSpec": {"maxDepth": 1}, "stats": {"status": "SOURCE_STATUS_NEW"}}
    path = "/api/corpora/c1/sources/s1"
    got = await answered(ultravox_responses, path, wire, lambda ultravox: ultravox.corpora.sources.get("c1", "s1"))
    assert (got.crawl, got.load_spec) == (CrawlSpec(), CrawlSpec(max_depth=1))
    assert got.stats == SourceStats("SOURCE_STATUS_NEW")


async def test_the_size_of_a_document_is_a_string_of_digits(ultravox_responses: aioresponses) -> None:
    wire = {**DOCUMENT_ON_THE_WIRE, "sizeBytes": "9007199254740993", "metadata": {"published": CREATED}}
    got = await answered(
        ultravox_responses,
        "/api/corpora/c1/sources/s1/documents/d1",
        wire,
        lambda ultravox: ultravox.corpora.sources.documents.get("c1", "s1", "d1"),
    )
    metadata = CorpusDocumentMetadata(published=WHEN)
    assert got == CorpusDocument("c1", "s1", "d1", WHEN, metadata=metadata, size_bytes="9007199254740993")


async def test_results_without_a_citation_or_a_score_are_decoded(ultravox_responses: aioresponses) -> None:
    got = await answered(
        ultravox_responses,
        "/api/corpora/c1/query",
        [{"content": "a", "score": 1}, {"citation": {"title": None}}, {}],
        lambda ultravox: ultravox.corpora.query("c1", query="a"),
        "POST",
    )
    assert got == [CorpusQueryResult("a", 1.0), CorpusQueryResult(citation=Citation()), CorpusQueryResult()]


async def test_an_upload_is_decoded(ultravox_responses: aioresponses) -> None:
    got = await answered(
        ultravox_responses,
        "/api/corpora/c1/uploads",
        {"documentId": "d1", "presignedUrl": PRESIGNED},
        lambda ultravox: ultravox.corpora.request_upload("c1", mime_type="a/b", file_name=None),
        "POST",
    )
    assert got == CorpusUpload("d1", PRESIGNED)


@pytest.mark.parametrize("sent", [{"crawl": {"maxDepth": 1}, "upload": {"documentIds": ["d1"]}}, {"name": "Site"}])
async def test_the_emulator_refuses_what_is_no_kind_of_source_or_two(
    ultravox: AsyncUltravox, sent: dict[str, object]
) -> None:
    corpus = await ultravox.corpora.create()
    with pytest.raises(BadRequestError, match="Exactly one of these fields can be set"):
        await ultravox.request("POST", f"/api/corpora/{corpus.corpus_id}/sources", json=sent)
    assert [each async for each in ultravox.corpora.sources.list(corpus.corpus_id)] == []
