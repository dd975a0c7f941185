"""Collections that belong to the objects of another collection, such as the scheduled batches of each agent."""

from collections.abc import Callable
from typing import Generic, TypeVar

import attrs

from ultravox_async.testing._collection import Collection
from ultravox_async.testing._routing import ApiRequest, Operation
from ultravox_async.testing._wire import Answer

C = TypeVar("C", bound=Collection)


@attrs.define(eq=False)
class SubCollections(Generic[C]):
    """One collection for each object of another one."""

    owners: Collection
    """The objects that they belong to."""

    make: Callable[[], C]
    """Makes an empty one."""

    _by_owner: dict[str, C] = attrs.field(init=False, factory=dict[str, C], repr=False)

    def of(self, owner_id: str) -> C:
        """The collection of the object with this id.

        Raises:
            NotFound: there is no such object.
        """
        self.owners.find(owner_id)
        if owner_id not in self._by_owner:
            self._by_owner[owner_id] = self.make()
        return self._by_owner[owner_id]

    def operation(self, carry_out: Callable[[C, ApiRequest], Answer]) -> Operation:
        """An operation on the collection of the object that the path of a request names."""
        return lambda request: carry_out(self.of(request.ids[self.owners.id_name]), request)
