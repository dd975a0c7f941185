"""The operations of the API, one module for each tag.

The modules are loaded when they are first used: a program pays for the resources that it uses. This is the place for
that; everything else in the package is imported where a reader looks for it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ultravox_async.resources.corpora import Corpora as Corpora
    from ultravox_async.resources.webhooks import Webhooks as Webhooks

_MODULES = {
    "Corpora": "corpora",
    "Webhooks": "webhooks",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
