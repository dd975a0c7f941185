"""What goes over the wire for corpora: collections of documents that agents can query."""

from datetime import datetime
from typing import Annotated, Literal, NotRequired, TypeAlias, TypedDict

import attrs
from annotated_types import MaxLen, MinLen

from ultravox_async.types._markers import Alternative, Sensitive
from ultravox_async.types._object import WireObject

CorpusStatus: TypeAlias = (
    Literal[
        "CORPUS_STATUS_UNSPECIFIED",
        "CORPUS_STATUS_EMPTY",
        "CORPUS_STATUS_INITIALIZING",
        "CORPUS_STATUS_READY",
        "CORPUS_STATUS_UPDATING",
    ]
    | str
)
"""Whether a corpus can be queried. Open: the API may add values."""

SourceStatus: TypeAlias = (
    Literal["SOURCE_STATUS_UNSPECIFIED", "SOURCE_STATUS_INITIALIZING", "SOURCE_STATUS_READY", "SOURCE_STATUS_UPDATING"]
    | str
)
"""Whether a source contributes to the results of queries. Open: the API may add values."""


@attrs.define
class CorpusStats(WireObject):
    """How much a corpus contains (schema ``ultravox.v1.CorpusStats``)."""

    status: CorpusStatus | None = None
    """Whether it can be queried."""

    last_updated: datetime | None = None
    """When its contents last changed, with a time zone."""

    num_chunks: int | None = None
    """The number of chunks, which are parts of documents."""

    num_docs: int | None = None
    """The number of documents."""

    num_vectors: int | None = None
    """The number of vectors for semantic search; a chunk can have several."""


@attrs.define
class Corpus(WireObject):
    """A collection of documents, as ``GET /api/corpora/{corpus_id}`` returns it (schema ``ultravox.v1.Corpus``)."""

    corpus_id: str
    """The id that the API assigned."""

    created: datetime
    """When it was created, with a time zone."""

    name: str | None = None
    """Its name."""

    description: str | None = None
    """What it contains."""

    stats: CorpusStats | None = None
    """How much it contains, and whether it can be queried."""


class NewCorpus(TypedDict, total=False):
    """What `create` and `replace` of a corpus take."""

    name: str
    """Its name."""

    description: str
    """What it contains."""


class CorpusChanges(TypedDict, total=False):
    """What `update` of a corpus takes: omitted fields keep their value."""

    name: str
    """Its name."""

    description: str
    """What it contains."""


@attrs.define
class MimeTypeSet(WireObject):
    """Media types (schema ``ultravox.v1.MimeTypeSet``)."""

    mime_types: list[str] = attrs.field(factory=list[str])
    """The media types, for example ``text/html``."""


@attrs.define
class MimeTypeFilter(WireObject):
    """Which media types to keep (schema ``ultravox.v1.MimeTypeFilter``)."""

    include: MimeTypeSet | None = None
    """Keep only these; None for all."""

    exclude: MimeTypeSet | None = None
    """Keep none of these; None for no exception."""


@attrs.define
class CrawlSpec(WireObject):
    """Which pages of the web a source consists of (schema ``ultravox.v1.CrawlSpec``)."""

    start_urls: list[str] = attrs.field(factory=list[str])
    """The URLs at which the crawl begins."""

    max_depth: int | None = None
    """How far links are followed: 1 fetches `start_urls` only, 2 also what they link to, and so on."""

    max_documents: int | None = None
    """The maximum number of documents to load."""

    max_document_bytes: int | None = None
    """The maximum size of one document, in bytes."""

    relevant_document_types: MimeTypeFilter | None = None
    """The media types to keep; None for the default of the API."""


@attrs.define
class UploadSpec(WireObject):
    """Which uploaded documents a source consists of (schema ``ultravox.v1.UploadSpec``)."""

    document_ids: list[str] = attrs.field(factory=list[str])
    """The ids of the documents; see `Corpora.request_upload`."""


@attrs.define
class DocumentDetails(WireObject):
    """An uploaded document that is found by example queries (schema ``ultravox.v1.AdvancedSpec_DocumentDetails``)."""

    document_id: str
    """The id of the document; see `Corpora.request_upload`."""

    example_queries: Annotated[list[Annotated[str, MinLen(1), MaxLen(400)]], MaxLen(10)] = attrs.field(
        factory=list[str]
    )
    """The queries that find the document, at most 10 of at most 400 characters; its text is not searched."""


@attrs.define
class AdvancedSpec(WireObject):
    """Which documents with example queries a source consists of (schema ``ultravox.v1.AdvancedSpec``).

    A query that is similar to one of the examples finds the whole document.
    """

    documents: list[DocumentDetails] = attrs.field(factory=list[DocumentDetails])
    """The documents."""


@attrs.define
class SourceStats(WireObject):
    """How much a source contains (schema ``ultravox.v1.SourceStats``)."""

    status: SourceStatus | None = None
    """Whether it contributes to the results of queries."""

    last_updated: datetime | None = None
    """When it last finished loading, with a time zone."""

    num_docs: int | None = None
    """The number of documents, both those loaded and those derived from them."""


@attrs.define
class CorpusSource(WireObject):
    """Where documents of a corpus come from (schema ``ultravox.v1.CorpusSource``).

    One of `crawl`, `upload`, `advanced` and `load_spec` is set.
    """

    corpus_id: str
    """The id of its corpus."""

    source_id: str
    """The id that the API assigned."""

    created: datetime
    """When it was created, with a time zone."""

    name: str | None = None
    """Its name."""

    description: str | None = None
    """What it contains."""

    stats: SourceStats | None = None
    """How much it contains."""

    crawl: CrawlSpec | None = None
    """The pages of the web that it consists of."""

    upload: UploadSpec | None = None
    """The uploaded documents that it consists of."""

    advanced: AdvancedSpec | None = None
    """The uploaded documents, with example queries, that it consists of."""

    load_spec: CrawlSpec | None = None
    """The deprecated form of `crawl`."""


class NewCorpusSource(TypedDict):
    """What `create` and `replace` of a source take: exactly one of `crawl`, `upload`, `advanced` and `load_spec`."""

    name: NotRequired[str]
    """Its name."""

    description: NotRequired[str]
    """What it contains."""

    crawl: NotRequired[Annotated[CrawlSpec, Alternative()]]
    """The pages of the web to load."""

    upload: NotRequired[Annotated[UploadSpec, Alternative()]]
    """The uploaded documents to load."""

    advanced: NotRequired[Annotated[AdvancedSpec, Alternative()]]
    """The uploaded documents to load, with example queries."""

    load_spec: NotRequired[Annotated[CrawlSpec, Alternative()]]
    """The deprecated form of `crawl`."""


class CorpusSourceChanges(TypedDict, total=False):
    """What `update` of a source takes: omitted fields keep their value.

    At most one of `crawl`, `upload`, `advanced` and `load_spec` can be given.
    """

    name: str
    """Its name."""

    description: str
    """What it contains."""

    crawl: Annotated[CrawlSpec, Alternative(required=False)]
    """The pages of the web to load."""

    upload: Annotated[UploadSpec, Alternative(required=False)]
    """The uploaded documents to load."""

    advanced: Annotated[AdvancedSpec, Alternative(required=False)]
    """The uploaded documents to load, with example queries."""

    load_spec: Annotated[CrawlSpec, Alternative(required=False)]
    """The deprecated form of `crawl`."""


@attrs.define
class CorpusDocumentMetadata(WireObject):
    """What is known about a document (schema ``ultravox.v1.CorpusDocumentMetadata``)."""

    public_url: str | None = None
    """Its public URL, if it has one."""

    language: str | None = None
    """The BCP 47 code of its language."""

    title: str | None = None
    """Its title."""

    description: str | None = None
    """What it is about."""

    published: datetime | None = None
    """When it was published, with a time zone."""

    example_queries: list[str] = attrs.field(factory=list[str])
    """The queries that find it, if it belongs to an `AdvancedSpec`."""


@attrs.define
class CorpusDocument(WireObject):
    """A document of a source (schema ``ultravox.v1.CorpusDocument``)."""

    corpus_id: str
    """The id of its corpus."""

    source_id: str
    """The id of its source."""

    document_id: str
    """The id that the API assigned."""

    created: datetime
    """When it was created, with a time zone."""

    mime_type: str | None = None
    """The media type of its contents."""

    metadata: CorpusDocumentMetadata | None = None
    """What is known about it."""

    size_bytes: str | None = None
    """The size of its contents in bytes, in decimal digits: the API sends 64-bit integers as strings."""


class CorpusQuery(TypedDict):
    """What `query` of corpora takes."""

    query: str
    """What to look for."""

    max_results: NotRequired[int | None]
    """The maximum number of results; None for the default of the API."""


@attrs.define
class Citation(WireObject):
    """Where a result of a query was found (schema ``ultravox.v1.CorpusQueryResult_Citation``)."""

    source_id: str | None = None
    """The source of the document."""

    document_id: str | None = None
    """The document."""

    public_url: str | None = None
    """The public URL of the document, if it has one."""

    title: str | None = None
    """The title of the document."""


@attrs.define
class CorpusQueryResult(WireObject):
    """A chunk of a document that matches a query (schema ``ultravox.v1.CorpusQueryResult``)."""

    content: str | None = None
    """The text of the chunk."""

    score: float | None = None
    """How well it matches: higher is better."""

    citation: Citation | None = None
    """Where it was found."""


class NewCorpusUpload(TypedDict):
    """What `request_upload` of corpora takes."""

    mime_type: Annotated[str, MinLen(1)]
    """The media type of the file, for example ``application/pdf``."""

    file_name: NotRequired[str | None]
    """The name of the file; None for none."""


@attrs.define
class CorpusUpload(WireObject):
    """Where to upload a document (schema ``CorpusUploadsResponse``)."""

    document_id: str
    """The id that the document will have; see `UploadSpec`."""

    presigned_url: Annotated[str, Sensitive] = attrs.field(repr=False)
    """The URL for a PUT of the contents, without the API key. Whoever knows it can upload."""
