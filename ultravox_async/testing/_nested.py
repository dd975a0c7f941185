"""Collections below the objects of another collection, such as the sources of a corpus."""

from collections.abc import Callable
from typing import Concatenate, Generic, TypeVar

import attrs

from ultravox_async.testing._collection import Collection
from ultravox_async.testing._routing import ApiRequest, Operation
from ultravox_async.testing._wire import Answer

C = TypeVar("C", bound=Collection)


@attrs.define(eq=False)
class Nested(Generic[C]):
    """A collection below each object of another collection."""

    parents: Callable[[ApiRequest], Collection]
    """Gives the collection that has the object that a path names; it may depend on the path itself."""

    make: Callable[[str], C]
    """Makes the collection below the object with this id."""

    _by_parent: dict[str, C] = attrs.field(init=False, factory=dict[str, C], repr=False)

    def below(self, parent_id: str) -> C:
        """The collection below the object with this id; it is made when it is first used."""
        if parent_id not in self._by_parent:
            self._by_parent[parent_id] = self.make(parent_id)
        return self._by_parent[parent_id]

    def clear(self, parent_id: str) -> None:
        """Drop what is below the object with this id."""
        self._by_parent.pop(parent_id, None)

    def named_by(self, request: ApiRequest) -> C:
        """The collection that a path names.

        Raises:
            NotFound: there is no such parent.
        """
        parents = self.parents(request)
        parent_id = request.ids[parents.id_name]
        parents.find(parent_id)
        return self.below(parent_id)

    def each(self, operation: Callable[Concatenate[C, ...], Answer], *arguments: object) -> Operation:
        """The operation that does this with the collection that a path names."""
        return lambda request: operation(self.named_by(request), *arguments, request)
