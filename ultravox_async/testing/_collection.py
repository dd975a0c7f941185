"""Objects of one kind in memory, and the operations that the API offers on them."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random

import attrs

from ultravox_async._wire.names import wire_name
from ultravox_async._wire.rules import fields_of
from ultravox_async.testing._entry import Entry
from ultravox_async.testing._filters import Filters
from ultravox_async.testing._pages import BY_POSITION, Order, PageSizes, position_of, read_page
from ultravox_async.testing._routing import ApiRequest, NotFound
from ultravox_async.testing._validation import check_fields, json_object
from ultravox_async.testing._wire import Answer, Json, json_answer

_CREATION_INTERVAL = timedelta(seconds=61, microseconds=17)


@attrs.frozen
class CollectionSettings:
    """What the collections of an account have in common."""

    page_sizes: PageSizes
    """How many objects a page of a list has."""

    started: datetime
    """When the first object of each collection was created, with a time zone."""


@attrs.define(eq=False, kw_only=True)
class Collection:
    """Objects of one kind, in the order in which they were created.

    Its operations take an `ApiRequest`; those that read a body also take the TypedDict with the fields that the body
    may have. All other fields are read-only: the server sets them, and a request cannot.

    A subclass whose objects change by more than what is sent overrides `_on_write` and `_on_read`.
    """

    noun: str
    """What the error of a 404 calls one object."""

    id_name: str
    """The name of the id, in snake_case: of the field of `shows`, and of the parameter in path templates."""

    shows: type[attrs.AttrsInstance]
    """The class that a client decodes an object into; answers show its fields and no others."""

    random: Random
    """Generates the ids."""

    settings: CollectionSettings
    """What it has in common with other collections."""

    filters: Filters | None = None
    """The filters of the list; None if it has none."""

    _blank: dict[str, Json] = attrs.field(init=False, repr=False)
    _id_field: str = attrs.field(init=False, repr=False)
    _next_position: int = attrs.field(init=False, default=0, repr=False)
    # In UTC. It is naive, because formatting a time zone would take most of the time of creating a large account.
    _next_created: datetime = attrs.field(init=False, repr=False)
    _by_id: dict[str, Entry] = attrs.field(init=False, factory=dict[str, Entry], repr=False)
    # Sorted by position. Removing an entry moves the pointers behind it: microseconds even for 100,000 entries.
    _in_order: list[Entry] = attrs.field(init=False, factory=list[Entry], repr=False)

    def __attrs_post_init__(self) -> None:
        self._blank = dict.fromkeys(wire_name(field.name) for field in attrs.fields(self.shows))
        self._id_field = wire_name(self.id_name)
        self._next_created = self.settings.started.astimezone(UTC).replace(tzinfo=None)

    @property
    def ids(self) -> list[str]:
        """The ids of all objects, in the order in which they were created."""
        return list(self._by_id)

    @property
    def entries(self) -> Sequence[Entry]:
        """All objects, in the order in which they were created."""
        return self._in_order

    def new_id(self) -> str:
        """Generate an id."""
        return _version_4_uuid(self.random.getrandbits(128))

    def add(self, fields: Mapping[str, Json], new_id: str | None = None) -> Entry:
        """Create an object with these fields, an id and a time of creation; its other fields are null.

        The id is generated, if it is not given.
        """
        new_id = new_id or self.new_id()
        created = f"{self._next_created.isoformat(timespec='microseconds')}Z"
        entry = Entry(self._next_position, dict(self._blank), {})
        entry.set_fields({**fields, self._id_field: new_id, "created": created})
        self._next_position += 1
        self._next_created += _CREATION_INTERVAL
        self._by_id[new_id] = entry
        self._in_order.append(entry)
        return entry

    def add_written(self, fields: Mapping[str, Json]) -> Entry:
        """Create an object with these fields as if a request had sent them."""
        entry = self.add(fields)
        self._on_write(entry)
        return entry

    def find(self, object_id: str) -> Entry:
        """The object with this id.

        Raises:
            NotFound: there is none.
        """
        entry = self._by_id.get(object_id)
        if entry is None:
            raise NotFound(f"No such {self.noun}")
        return entry

    def list_page(self, request: ApiRequest) -> Answer:
        """List a page of the objects."""
        if self.filters is None:
            return self.page_of(self._in_order, request)
        found = self.filters.select(self._in_order, request.query)
        order = self.filters.order(request.query)
        return self.page_of(order.sort(found), request, order)

    def page_of(self, entries: Sequence[Entry], request: ApiRequest, order: Order[Entry] = BY_POSITION) -> Answer:
        """List a page of some of the objects, which are in this order."""
        page = read_page(entries, request, self.settings.page_sizes, order)
        for entry in page.elements:
            self._on_read(entry)
        return json_answer(
            200,
            {
                "next": page.next,
                "previous": page.previous,
                "results": [entry.shown for entry in page.elements],
                "total": len(entries),
            },
        )

    def create(self, shape: type, request: ApiRequest) -> Answer:
        """Create an object with the fields of `shape` that the request has."""
        return json_answer(201, self.add_written(self._fields_in(shape, request)).shown)

    def get(self, request: ApiRequest) -> Answer:
        """Show an object."""
        entry = self._requested(request)
        self._on_read(entry)
        return json_answer(200, entry.shown)

    def update(self, shape: type, request: ApiRequest) -> Answer:
        """Set those fields of `shape` that the request has."""
        entry = self._requested(request)
        return self._change(entry, self._fields_in(shape, request))

    def replace(self, shape: type, request: ApiRequest) -> Answer:
        """Set all fields of `shape`; those that the request does not have become null."""
        entry = self._requested(request)
        omitted = dict.fromkeys(map(wire_name, fields_of(shape)))
        return self._change(entry, {**omitted, **self._fields_in(shape, request)})

    def delete(self, request: ApiRequest) -> Answer:
        """Delete an object."""
        entry = self._requested(request)
        del self._by_id[request.ids[self.id_name]]
        del self._in_order[bisect_left(self._in_order, entry.position, key=position_of)]
        return Answer(204)

    def _requested(self, request: ApiRequest) -> Entry:
        return self.find(request.ids[self.id_name])

    def _fields_in(self, shape: type, request: ApiRequest) -> dict[str, Json]:
        """Give the fields of `shape` that a request has; a subclass that refuses some of them extends this."""
        return check_fields(shape, json_object(request.body))

    def _change(self, entry: Entry, sent: dict[str, Json]) -> Answer:
        before = {**entry.shown, **entry.hidden}
        if {**before, **sent} != before:
            entry.set_fields(sent)
            self._on_write(entry)
        return json_answer(200, entry.shown)

    def _on_write(self, entry: Entry) -> None:
        """React to a request that has created an object or has changed a field of it; the answer shows the effect."""

    def _on_read(self, entry: Entry) -> None:
        """React to a request that gets or lists an object; the answer shows the effect."""


def _version_4_uuid(bits: int) -> str:
    # uuid.UUID would take twice as long, which matters in an account of 100,000 objects.
    digits = f"{bits:032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
