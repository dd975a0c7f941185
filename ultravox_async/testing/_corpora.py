"""Corpora with their sources and documents: what is loaded is there at once, and its contents are made up."""

from collections.abc import Iterator, Mapping
from functools import partial
from random import Random
from typing import Any, cast

import attrs

from ultravox_async.testing._collection import Collection, CollectionSettings
from ultravox_async.testing._entry import Entry
from ultravox_async.testing._files import StoredFile
from ultravox_async.testing._nested import Nested
from ultravox_async.testing._routing import ApiRequest, Operations
from ultravox_async.testing._storage import Storage
from ultravox_async.testing._validation import Invalid, check_fields, json_object
from ultravox_async.testing._wire import Answer, Json, json_answer
from ultravox_async.types.corpora import (
    Corpus,
    CorpusChanges,
    CorpusDocument,
    CorpusQuery,
    CorpusSource,
    CorpusSourceChanges,
    NewCorpus,
    NewCorpusSource,
    NewCorpusUpload,
)

_DEFAULT_RESULTS = 5


@attrs.define(eq=False, kw_only=True)
class Sources(Collection):
    """The sources of a corpus, each of which has its documents as soon as it is written."""

    corpus_id: str
    """The id of the corpus."""

    documents: Nested[Collection]
    """The documents below each source."""

    storage: Storage
    """Where the uploaded documents are."""

    def _fields_in(self, shape: type, request: ApiRequest) -> dict[str, Json]:
        fields = super()._fields_in(shape, request)
        for kind, documents in (("upload", "documentIds"), ("advanced", "documents")):
            missing: list[Json] = [
                f"The document {document_id} was not uploaded."
                for document_id, _ in _documents_of({kind: fields.get(kind)})
                if document_id and self._upload(document_id) is None
            ]
            if missing:
                raise Invalid({kind: {documents: missing}})
        return fields

    def _upload(self, document_id: str) -> StoredFile | None:
        try:
            return self.storage.file(upload_name(self.corpus_id, document_id))
        except KeyError:
            return None

    def _on_write(self, entry: Entry) -> None:
        source_id = str(entry.shown["sourceId"])
        self.documents.clear(source_id)
        documents = self.documents.below(source_id)
        for document_id, fields in _documents_of(entry.shown):
            upload = None if document_id is None else self._upload(document_id)
            mime_type, size = ("text/html", 2048) if upload is None else (upload.content_type, upload.size)
            parents = {"corpusId": self.corpus_id, "sourceId": source_id}
            documents.add({"mimeType": mime_type, "sizeBytes": str(size), **parents, **fields}, document_id)
        stats: dict[str, Json] = {"status": "SOURCE_STATUS_READY", "lastUpdated": entry.shown["created"]}
        entry.shown["corpusId"] = self.corpus_id
        entry.shown["stats"] = {**stats, "numDocs": len(documents.ids)}


def _documents_of(source: Mapping[str, Json]) -> Iterator[tuple[str | None, dict[str, Json]]]:
    """Yield the documents of a source, each with its id, which is None for a document that was not uploaded."""
    for crawl in (source.get("crawl"), source.get("loadSpec")):
        for url in _object(crawl).get("startUrls", ()):
            yield None, {"metadata": {"publicUrl": url, "title": url}}
    for document_id in _object(source.get("upload")).get("documentIds", ()):
        yield document_id, {}
    for details in _object(source.get("advanced")).get("documents", ()):
        yield details["documentId"], {"metadata": {"exampleQueries": details.get("exampleQueries", [])}}


def _object(value: Json) -> dict[str, Any]:
    return cast("dict[str, Any]", value or {})


@attrs.define(eq=False, kw_only=True)
class Corpora(Collection):
    """The corpora of the account."""

    storage: Storage
    """Where documents are uploaded to."""

    sources: Nested[Sources] = attrs.field(init=False, repr=False)
    """The sources below each corpus."""

    documents: Nested[Collection] = attrs.field(init=False, repr=False)
    """The documents below each source."""

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self.sources = Nested(lambda _: self, self._new_sources)
        self.documents = Nested(self.sources.named_by, self._new_documents)

    def _new_documents(self, _source_id: str) -> Collection:
        return Collection(
            noun="document",
            id_name="document_id",
            shows=CorpusDocument,
            random=self.random,
            settings=self.settings,
        )

    def _new_sources(self, corpus_id: str) -> Sources:
        return Sources(
            noun="source",
            id_name="source_id",
            shows=CorpusSource,
            random=self.random,
            settings=self.settings,
            corpus_id=corpus_id,
            documents=self.documents,
            storage=self.storage,
        )

    def operations(self) -> Operations:
        """The operations on corpora, their sources and the documents of those."""
        sources, documents = self.sources, self.documents
        return {
            "/api/corpora": {
                "GET": self.list_page,
                "POST": partial(self.create, NewCorpus),
            },
            "/api/corpora/{corpus_id}": {
                "GET": self.get,
                "PUT": partial(self.replace, NewCorpus),
                "PATCH": partial(self.update, CorpusChanges),
                "DELETE": self.delete,
            },
            "/api/corpora/{corpus_id}/query": {
                "POST": partial(self.query, CorpusQuery),
            },
            "/api/corpora/{corpus_id}/uploads": {
                "POST": partial(self.request_upload, NewCorpusUpload),
            },
            "/api/corpora/{corpus_id}/sources": {
                "GET": sources.each(Sources.list_page),
                "POST": sources.each(Sources.create, NewCorpusSource),
            },
            "/api/corpora/{corpus_id}/sources/{source_id}": {
                "GET": sources.each(Sources.get),
                "PUT": sources.each(Sources.replace, NewCorpusSource),
                "PATCH": sources.each(Sources.update, CorpusSourceChanges),
                "DELETE": sources.each(Sources.delete),
            },
            "/api/corpora/{corpus_id}/sources/{source_id}/documents": {
                "GET": documents.each(Collection.list_page),
            },
            "/api/corpora/{corpus_id}/sources/{source_id}/documents/{document_id}": {
                "GET": documents.each(Collection.get),
            },
        }

    def query(self, shape: type, request: ApiRequest) -> Answer:
        """Answer with a result for each document; the first ones match best."""
        sent: dict[str, Any] = check_fields(shape, json_object(request.body))
        documents = self._documents_of(self._requested(request))
        found = documents[: sent.get("maxResults") or _DEFAULT_RESULTS]
        return json_answer(200, [_result(sent["query"], rank, document) for rank, document in enumerate(found)])

    def request_upload(self, shape: type, request: ApiRequest) -> Answer:
        """Answer with a URL of the storage."""
        corpus_id = str(self._requested(request).shown["corpusId"])
        sent = check_fields(shape, json_object(request.body))
        document_id = self.new_id()
        url = self.storage.expect(upload_name(corpus_id, document_id), str(sent["mimeType"]))
        return json_answer(201, {"documentId": document_id, "presignedUrl": url})

    def _documents_of(self, corpus: Entry) -> list[Entry]:
        sources = self.sources.below(str(corpus.shown["corpusId"]))
        return [document for source_id in sources.ids for document in self.documents.below(source_id).entries]

    def _on_write(self, entry: Entry) -> None:
        self._on_read(entry)

    def _on_read(self, entry: Entry) -> None:
        count = len(self._documents_of(entry))
        status = "CORPUS_STATUS_READY" if count else "CORPUS_STATUS_EMPTY"
        entry.shown["stats"] = {"status": status, "numDocs": count, "numChunks": count, "numVectors": count}


def _result(query: str, rank: int, document: Entry) -> Json:
    shown = document.shown
    citation = {"sourceId": shown["sourceId"], "documentId": shown["documentId"], **_object(shown["metadata"])}
    return {"content": f"What is known about {query!r}", "score": 1 / (rank + 1), "citation": citation}


def upload_name(corpus_id: str, document_id: str) -> str:
    """The name that an uploaded document has in the storage."""
    return f"corpora/{corpus_id}/{document_id}"


def new_corpora(random: Random, settings: CollectionSettings, storage: Storage) -> Corpora:
    """The corpora of a new account, which has none."""
    return Corpora(noun="corpus", id_name="corpus_id", shows=Corpus, random=random, settings=settings, storage=storage)
