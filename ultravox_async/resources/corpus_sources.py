"""The sources of corpora, and their documents: ``ultravox.corpora.sources``."""

from typing import Final, Unpack

from ultravox_async._bulk.ids import Ids
from ultravox_async._bulk.sweep import Sweep, Via
from ultravox_async._http.transport import Transport
from ultravox_async._pagination import Pager
from ultravox_async.resources._base import SWEEP_PAGE_SIZE, Resource
from ultravox_async.types.corpora import CorpusDocument, CorpusSource, CorpusSourceChanges, NewCorpusSource
from ultravox_async.types.shared.paging import ListOptions

_SOURCES: Final = "/api/corpora/{corpus_id}/sources"
_SOURCE: Final = "/api/corpora/{corpus_id}/sources/{source_id}"
_DOCUMENTS: Final = "/api/corpora/{corpus_id}/sources/{source_id}/documents"
_DOCUMENT: Final = "/api/corpora/{corpus_id}/sources/{source_id}/documents/{document_id}"


class CorpusDocuments(Resource):
    """The documents of a source: ``ultravox.corpora.sources.documents``."""

    async def get(self, corpus_id: str, source_id: str, document_id: str) -> CorpusDocument:
        """Fetch what is known about one document; its contents are not included.

        Args:
            corpus_id: The id of the corpus.
            source_id: The id of the source.
            document_id: The id of the document.

        Raises:
            InvalidRequestError: An id is not valid.
            NotFoundError: The corpus, the source or the document does not exist.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        ids = {"corpus_id": corpus_id, "source_id": source_id, "document_id": document_id}
        return await self._send("GET", _DOCUMENT, CorpusDocument, **ids)

    def get_many(
        self, corpus_id: str, source_id: str, ids: Ids, *, concurrency: int = 50, via: Via = "auto"
    ) -> Sweep[CorpusDocument]:
        """Fetch many documents of a source, concurrently; see `SipRegistrations.get_many`.

        Args:
            corpus_id: The id of the corpus.
            source_id: The id of the source.
            ids: The ids of the documents: an iterable or an asynchronous iterable.
            concurrency: The maximum number of requests in flight for this call, 1 or more.
            via: How they are fetched: ``"get"``, ``"list"`` or ``"auto"``.

        Raises:
            InvalidRequestError: `corpus_id` or `source_id` is not a valid id, `ids` is one string or not iterable,
                `concurrency` is below 1, or `via` is not one of the three.
        """
        listing = self.list(corpus_id, source_id, page_size=SWEEP_PAGE_SIZE)
        parents = {"corpus_id": corpus_id, "source_id": source_id}
        return self._sweep(ids, _DOCUMENT, CorpusDocument, "document_id", listing, concurrency, via, **parents)

    def list(self, corpus_id: str, source_id: str, **options: Unpack[ListOptions]) -> Pager[CorpusDocument]:
        """List the documents of a source.

        Iterate over the result with ``async for`` to get documents, or over its ``pages()`` to get `Page` objects.

        Args:
            corpus_id: The id of the corpus.
            source_id: The id of the source.
            **options: The fields of `ListOptions`: `page_size` and `cursor`.

        Raises:
            TypeError: An option does not exist.
            InvalidRequestError: An id is not valid, or `page_size` is below 1.
        """
        return self._list(_DOCUMENTS, CorpusDocument, ListOptions, options, corpus_id=corpus_id, source_id=source_id)


class CorpusSources(Resource):
    """The sources of a corpus: ``ultravox.corpora.sources``."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport)
        self.documents = CorpusDocuments(transport)

    async def get(self, corpus_id: str, source_id: str) -> CorpusSource:
        """Fetch one source.

        Args:
            corpus_id: The id of the corpus.
            source_id: The id of the source.

        Raises:
            InvalidRequestError: An id is not valid.
            NotFoundError: The corpus or the source does not exist.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("GET", _SOURCE, CorpusSource, corpus_id=corpus_id, source_id=source_id)

    def get_many(self, corpus_id: str, ids: Ids, *, concurrency: int = 50, via: Via = "auto") -> Sweep[CorpusSource]:
        """Fetch many sources of a corpus, concurrently; see `SipRegistrations.get_many`.

        Args:
            corpus_id: The id of the corpus.
            ids: The ids of the sources: an iterable or an asynchronous iterable.
            concurrency: The maximum number of requests in flight for this call, 1 or more.
            via: How they are fetched: ``"get"``, ``"list"`` or ``"auto"``.

        Raises:
            InvalidRequestError: `corpus_id` is not a valid id, `ids` is one string or not iterable, `concurrency` is
                below 1, or `via` is not one of the three.
        """
        listing = self.list(corpus_id, page_size=SWEEP_PAGE_SIZE)
        return self._sweep(ids, _SOURCE, CorpusSource, "source_id", listing, concurrency, via, corpus_id=corpus_id)

    def list(self, corpus_id: str, **options: Unpack[ListOptions]) -> Pager[CorpusSource]:
        """List the sources of a corpus.

        Iterate over the result with ``async for`` to get sources, or over its ``pages()`` to get `Page` objects.

        Args:
            corpus_id: The id of the corpus.
            **options: The fields of `ListOptions`: `page_size` and `cursor`.

        Raises:
            TypeError: An option does not exist.
            InvalidRequestError: `corpus_id` is not a valid id, or `page_size` is below 1.
        """
        return self._list(_SOURCES, CorpusSource, ListOptions, options, corpus_id=corpus_id)

    async def create(self, corpus_id: str, **source: Unpack[NewCorpusSource]) -> CorpusSource:
        """Create a source, whose documents are then loaded into the corpus.

        Args:
            corpus_id: The id of the corpus.
            **source: The fields of `NewCorpusSource`: exactly one of `crawl`, `upload`, `advanced` and `load_spec`,
                and optionally `name` and `description`.

        Raises:
            TypeError: A field does not exist; nothing was sent.
            InvalidRequestError: `corpus_id` is not a valid id, or a field exceeds its limit; or there is none of the
                four, or more than one; nothing was sent.
            NotFoundError: The corpus does not exist.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("POST", _SOURCES, CorpusSource, NewCorpusSource, source, corpus_id=corpus_id)

    async def update(self, corpus_id: str, source_id: str, **changes: Unpack[CorpusSourceChanges]) -> CorpusSource:
        """Change a source: omitted fields keep their value. The API loads its documents again.

        Args:
            corpus_id: The id of the corpus.
            source_id: The id of the source.
            **changes: The fields of `CorpusSourceChanges`.

        Raises:
            TypeError: A field does not exist; nothing was sent.
            InvalidRequestError: An id is not valid, there is no change, a field exceeds its limit, or there is more
                than one of `crawl`, `upload`, `advanced` and `load_spec`; nothing was sent.
            NotFoundError: The corpus or the source does not exist.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        ids = {"corpus_id": corpus_id, "source_id": source_id}
        return await self._send("PATCH", _SOURCE, CorpusSource, CorpusSourceChanges, changes, **ids)

    async def replace(self, corpus_id: str, source_id: str, **source: Unpack[NewCorpusSource]) -> CorpusSource:
        """Replace a source: omitted fields get their default.

        Args:
            corpus_id: The id of the corpus.
            source_id: The id of the source.
            **source: The fields of `NewCorpusSource`.

        Raises:
            TypeError: A field does not exist; nothing was sent.
            InvalidRequestError: An id is not valid, or a field exceeds its limit; or there is none of `crawl`,
                `upload`, `advanced` and `load_spec`, or more than one; nothing was sent.
            NotFoundError: The corpus or the source does not exist.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        ids = {"corpus_id": corpus_id, "source_id": source_id}
        return await self._send("PUT", _SOURCE, CorpusSource, NewCorpusSource, source, **ids)

    async def delete(self, corpus_id: str, source_id: str) -> None:
        """Delete a source with its documents.

        Args:
            corpus_id: The id of the corpus.
            source_id: The id of the source.

        Raises:
            InvalidRequestError: An id is not valid.
            NotFoundError: The corpus or the source does not exist, or a first attempt whose response was lost deleted
                the source.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        await self._delete(_SOURCE, corpus_id=corpus_id, source_id=source_id)
