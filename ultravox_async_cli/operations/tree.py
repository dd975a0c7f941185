"""The operations of the package as a tree of commands, found by looking at the resources of a client."""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final

import attrs

from ultravox_async import AsyncUltravox
from ultravox_async_cli.operations.docs import summary_of

_RESOURCES: Final = "ultravox_async.resources."
_MANY: Final = "get_many"


@attrs.frozen
class Operation:
    """A method of a resource."""

    words: tuple[str, ...]
    """What is typed, for example ``("sip", "registrations", "get")``."""

    resource: tuple[str, ...]
    """The attributes that lead from the client to the resource."""

    function: Callable[..., Any]
    """The method, as a function of its class."""

    many: Callable[..., Any] | None = None
    """The method that does the same for many ids; None if there is none."""

    @property
    def summary(self) -> str:
        """What it does, on one line."""
        one = summary_of(self.function)
        return one if self.many is None else f"{one}, or many"

    def method(self, ultravox: AsyncUltravox) -> Callable[..., Any]:
        """Return the method for a client."""
        return self._of(ultravox, self.function.__name__)

    def method_for_many(self, ultravox: AsyncUltravox) -> Callable[..., Any]:
        """Return the method for many ids for a client."""
        return self._of(ultravox, _MANY)

    def _of(self, ultravox: AsyncUltravox, name: str) -> Callable[..., Any]:
        method: Callable[..., Any] = attrgetter(".".join((*self.resource, name)))(ultravox)
        return method


@attrs.frozen
class Group:
    """A resource: its operations, and the resources below it."""

    words: tuple[str, ...]
    summary: str
    operations: Mapping[str, Operation]
    groups: Mapping[str, "Group"]

    def walk(self) -> Iterator[Operation]:
        """Yield all operations in it and below it."""
        yield from self.operations.values()
        for group in self.groups.values():
            yield from group.walk()


def specimen() -> AsyncUltravox:
    """Return a client to look at; it never sends anything."""
    return AsyncUltravox("nothing-is-sent", base_url="http://127.0.0.1")


def group_at(client: AsyncUltravox, word: str) -> Group | None:
    """Return the group of a resource of a client; None if there is no such resource.

    Only the module of that resource is loaded.
    """
    name = word.replace("-", "_")
    resource = None if name.startswith("_") else getattr(client, name, None)
    return _group((word,), (name,), resource) if _is_resource(resource) else None


def all_groups(client: AsyncUltravox) -> Iterator[Group]:
    """Yield the groups of all resources of a client."""
    for name in dir(client):
        group = group_at(client, command_name(name))
        if group is not None:
            yield group


def command_name(name: str) -> str:
    """Return what is typed for a name of Python: ``config`` for ``get_config``, ``wait`` for ``wait_until_…``."""
    return name.removeprefix("get_").split("_until_")[0].replace("_", "-")


def _is_resource(value: object) -> bool:
    return type(value).__module__.startswith(_RESOURCES)


def _group(words: tuple[str, ...], attributes: tuple[str, ...], resource: object) -> Group:
    public = [name for name in dir(resource) if not name.startswith("_")]
    functions = {name: getattr(type(resource), name) for name in public if hasattr(type(resource), name)}
    functions = {name: value for name, value in functions.items() if inspect.isfunction(value)}
    many = functions.pop(_MANY, None)
    operations = [
        Operation((*words, command_name(name)), attributes, function, many if name == "get" else None)
        for name, function in functions.items()
    ]
    below = [(name, getattr(resource, name)) for name in public if name not in functions]
    groups = [
        _group((*words, command_name(name)), (*attributes, name), value) for name, value in below if _is_resource(value)
    ]
    return Group(words, summary_of(resource), _by_last_word(operations), _by_last_word(groups))


def _by_last_word(commands: Sequence[Any]) -> Mapping[str, Any]:
    return {command.words[-1]: command for command in commands}
