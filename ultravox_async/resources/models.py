"""Models: ``ultravox.models``."""

from typing import Unpack

from ultravox_async._pagination import Pager
from ultravox_async.resources._base import Resource
from ultravox_async.types.models import ModelAlias
from ultravox_async.types.shared.paging import ListOptions


class Models(Resource):
    """The models that can be chosen for a call: ``ultravox.models``."""

    def list(self, **options: Unpack[ListOptions]) -> Pager[ModelAlias]:
        """List the models that can be chosen for a call.

        Iterate over the result with ``async for`` to get models, or over its ``pages()`` to get `Page` objects.

        Args:
            **options: The fields of `ListOptions`: `page_size` and `cursor`.

        Raises:
            TypeError: An option does not exist.
            InvalidRequestError: `page_size` is below 1.
        """
        return self._list("/api/models", ModelAlias, ListOptions, options)
