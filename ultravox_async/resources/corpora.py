"""Corpora: ``ultravox.corpora``."""

import mimetypes
from typing import Final, TypeAlias, Unpack

from ultravox_async._bulk.ids import Ids
from ultravox_async._bulk.sweep import Sweep, Via
from ultravox_async._http.redirects import store
from ultravox_async._http.transport import Transport
from ultravox_async._http.uploads import FileBody, UploadSource, opened
from ultravox_async._pagination import Pager
from ultravox_async._wire.payload import Secret
from ultravox_async.errors import InvalidRequestError, UltravoxError
from ultravox_async.resources._base import SWEEP_PAGE_SIZE, Resource
from ultravox_async.resources.corpus_sources import CorpusSources
from ultravox_async.types.corpora import (
    Corpus,
    CorpusChanges,
    CorpusQuery,
    CorpusQueryResult,
    CorpusSource,
    CorpusUpload,
    NewCorpus,
    NewCorpusSource,
    NewCorpusUpload,
    UploadSpec,
)
from ultravox_async.types.shared.paging import ListOptions

_CORPORA: Final = "/api/corpora"
_CORPUS: Final = "/api/corpora/{corpus_id}"
_QUERY: Final = "/api/corpora/{corpus_id}/query"
_UPLOADS: Final = "/api/corpora/{corpus_id}/uploads"

# Inside a class with a method of that name, `list` is the method.
_Results: TypeAlias = list[CorpusQueryResult]


class Corpora(Resource):
    """The corpora of the account: ``ultravox.corpora``."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport)
        self.sources = CorpusSources(transport)

    async def get(self, corpus_id: str) -> Corpus:
        """Fetch one corpus.

        Args:
            corpus_id: The id of the corpus.

        Raises:
            InvalidRequestError: `corpus_id` is not a valid id.
            NotFoundError: The corpus does not exist.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("GET", _CORPUS, Corpus, corpus_id=corpus_id)

    def get_many(self, ids: Ids, *, concurrency: int = 50, via: Via = "auto") -> Sweep[Corpus]:
        """Fetch many corpora, concurrently; see `SipRegistrations.get_many`.

        Args:
            ids: The ids: an iterable or an asynchronous iterable.
            concurrency: The maximum number of requests in flight for this call, 1 or more.
            via: How they are fetched: ``"get"``, ``"list"`` or ``"auto"``.

        Raises:
            InvalidRequestError: `ids` is one string or not iterable, `concurrency` is below 1, or `via` is not one of
                the three.
        """
        listing = self.list(page_size=SWEEP_PAGE_SIZE)
        return self._sweep(ids, _CORPUS, Corpus, "corpus_id", listing, concurrency, via)

    def list(self, **options: Unpack[ListOptions]) -> Pager[Corpus]:
        """List the corpora of the account.

        Iterate over the result with ``async for`` to get corpora, or over its ``pages()`` to get `Page` objects.

        Args:
            **options: The fields of `ListOptions`: `page_size` and `cursor`.

        Raises:
            TypeError: An option does not exist.
            InvalidRequestError: `page_size` is below 1.
        """
        return self._list(_CORPORA, Corpus, ListOptions, options)

    async def create(self, **corpus: Unpack[NewCorpus]) -> Corpus:
        """Create a corpus, which is empty until it has a source.

        Args:
            **corpus: The fields of `NewCorpus`: `name` and `description`, both optional.

        Raises:
            TypeError: A field does not exist; nothing was sent.
            InvalidRequestError: A field has the wrong type; nothing was sent.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("POST", _CORPORA, Corpus, NewCorpus, corpus)

    async def update(self, corpus_id: str, **changes: Unpack[CorpusChanges]) -> Corpus:
        """Change a corpus: omitted fields keep their value.

        Args:
            corpus_id: The id of the corpus.
            **changes: The fields of `CorpusChanges`.

        Raises:
            TypeError: A field does not exist; nothing was sent.
            InvalidRequestError: `corpus_id` is not a valid id, there is no change, or a field has the wrong type;
                nothing was sent.
            NotFoundError: The corpus does not exist.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("PATCH", _CORPUS, Corpus, CorpusChanges, changes, corpus_id=corpus_id)

    async def replace(self, corpus_id: str, **corpus: Unpack[NewCorpus]) -> Corpus:
        """Replace the name and the description of a corpus: omitted fields get their default.

        Args:
            corpus_id: The id of the corpus.
            **corpus: The fields of `NewCorpus`.

        Raises:
            TypeError: A field does not exist; nothing was sent.
            InvalidRequestError: `corpus_id` is not a valid id, or a field has the wrong type; nothing was sent.
            NotFoundError: The corpus does not exist.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("PUT", _CORPUS, Corpus, NewCorpus, corpus, corpus_id=corpus_id)

    async def delete(self, corpus_id: str) -> None:
        """Delete a corpus with its sources and documents.

        Args:
            corpus_id: The id of the corpus.

        Raises:
            InvalidRequestError: `corpus_id` is not a valid id.
            NotFoundError: The corpus does not exist, or a first attempt whose response was lost deleted it.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        await self._delete(_CORPUS, corpus_id=corpus_id)

    async def query(self, corpus_id: str, **query: Unpack[CorpusQuery]) -> _Results:
        """Look for chunks of documents, as an agent does with its tool for corpora.

        Args:
            corpus_id: The id of the corpus.
            **query: The fields of `CorpusQuery`: `query`, and optionally `max_results`.

        Raises:
            TypeError: A field does not exist, or `query` is missing; nothing was sent.
            InvalidRequestError: `corpus_id` is not a valid id, or a field has the wrong type; nothing was sent.
            NotFoundError: The corpus does not exist.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("POST", _QUERY, _Results, CorpusQuery, query, corpus_id=corpus_id)

    async def request_upload(self, corpus_id: str, **upload: Unpack[NewCorpusUpload]) -> CorpusUpload:
        """Ask for a URL to which the contents of a document can be uploaded, for some minutes.

        Send the contents in a PUT to `CorpusUpload.presigned_url`, without the API key, and then create a source with
        ``upload=UploadSpec([document_id])``.

        Args:
            corpus_id: The id of the corpus.
            **upload: The fields of `NewCorpusUpload`: `mime_type`, and optionally `file_name`.

        Raises:
            TypeError: A field does not exist, or `mime_type` is missing; nothing was sent.
            InvalidRequestError: `corpus_id` is not a valid id, or a field exceeds its limit; nothing was sent.
            NotFoundError: The corpus does not exist.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("POST", _UPLOADS, CorpusUpload, NewCorpusUpload, upload, corpus_id=corpus_id)

    async def upload(
        self,
        corpus_id: str,
        file: UploadSource,
        *,
        name: str | None = None,
        description: str | None = None,
        mime_type: str | None = None,
    ) -> CorpusSource:
        """Add a document to a corpus: ask for a URL, upload the contents to it, and create a source with the document.

        The contents are sent to storage without the API key, as they are read. If the upload fails, they are read and
        sent again as `RetryPolicy` says, unless `file` is a file object that cannot seek. `AsyncUltravox.close` ends an
        upload, also if it drains.

        Args:
            corpus_id: The id of the corpus.
            file: The document: bytes, the path of a file, or a file object that was opened in binary mode.
            name: The name of the source; None for the name of the file.
            description: What it contains; None for nothing.
            mime_type: The media type of the document, for example ``application/pdf``; None if it follows from the name
                of the file, or else from `name`.

        Raises:
            InvalidRequestError: `corpus_id` is not a valid id, `file` is nothing that can be uploaded, or `mime_type`
                is needed; nothing was sent.
            OSError: The file cannot be opened; nothing was sent.
            NotFoundError: The corpus does not exist.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`. If no source could be created
                for a document that was uploaded, a note of the error has the id of the document.
        """
        async with opened(file) as content:
            media_type = mime_type or mimetypes.guess_type(content.name)[0] or mimetypes.guess_type(name or "")[0]
            if media_type is None:
                raise InvalidRequestError("mime_type", f"is needed: it does not follow from the name {content.name!r}")
            place = await self.request_upload(corpus_id, mime_type=media_type, file_name=content.name)
            await store(self._transport, Secret(place.presigned_url), FileBody(content, media_type))
        source: NewCorpusSource = {"name": name or content.name, "upload": UploadSpec([place.document_id])}
        if description is not None:
            source["description"] = description
        try:
            return await self.sources.create(corpus_id, **source)
        except UltravoxError as error:
            error.add_note(f"The document {place.document_id} was uploaded, and belongs to no source.")
            raise
