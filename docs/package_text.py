"""Descriptions of the package, as reStructuredText: what its docstrings and annotations say."""

import ast
import importlib
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, NotRequired, Required, Union, Unpack, cast, get_args, get_origin
from typing import get_type_hints as _hints_of

import attrs
from sphinx.ext.napoleon.docstring import GoogleDocstring
from sphinx.pycode import ModuleAnalyzer

from docs.public_names import PUBLIC_NAMES, TYPES, operations_of_methods
from ultravox_async import AsyncUltravox, types
from ultravox_async._wire.rules import Field, Rule, fields_of
from ultravox_async.resources._base import Resource

_TYPES: Final = "ultravox_async.types"


def operations_text(path: str) -> str:
    """Describe the methods of a resource of the client, such as ``calls``, and of the resources below it."""
    return "\n".join(_resource_text(name, resource) for name, resource in _resources() if _is_below(name, path))


def types_text(tag: str) -> str:
    """Describe the types of a module of `ultravox_async.types`."""
    names = [name for name in TYPES if _module_of_type(name) == f"{_TYPES}.{tag}"]
    if not names:
        raise ValueError(f"{_TYPES}.{tag} has no public name")
    return "\n".join(_type_text(name) for name in names)


def alias_text(module: str, name: str) -> str:
    """Describe a name of a module that stands for a type."""
    value = getattr(importlib.import_module(module), name)
    return _data(module, name, _written_out(value) if get_origin(value) else type(value).__name__)


def table_of_operations() -> str:
    """List all operations, each with a link to its method."""
    lines = [".. list-table::", "   :class: operations", "   :header-rows: 1", "", "   * - Operation", "     - Method"]
    for method, operation in sorted(operations_of_methods().items(), key=lambda pair: pair[1].split(" ", 1)[::-1]):
        lines += [f"   * - ``{operation}``", f"     - :py:meth:`{method}() <ultravox.{method}>`"]
    return "\n".join(lines)


def is_made_by_the_package(cls: type) -> bool:
    """Return whether making an instance takes something that has no public name."""
    public = {name for names in PUBLIC_NAMES.values() for name in names}
    made_by = vars(cls).get("__init__", object.__init__)
    hints = [kind for kind in _hints_of(made_by).values() if isinstance(kind, type)]
    return any(kind.__module__.startswith("ultravox_async") and kind.__name__ not in public for kind in hints)


@cache
def resource_names() -> Mapping[str, str]:
    """Return the attributes of the client, by the names of their classes: ``Calls`` is ``ultravox.calls``."""
    return {type(resource).__name__: f"ultravox.{name}" for name, resource in _resources()}


@cache
def _resources() -> Sequence[tuple[str, Resource]]:
    return [*_resources_of(AsyncUltravox("no-key"), "")]


def _resources_of(owner: object, prefix: str) -> Iterator[tuple[str, Resource]]:
    for name in dir(owner):
        value = None if name.startswith("_") else getattr(owner, name, None)
        if isinstance(value, Resource):
            yield f"{prefix}{name}", value
            yield from _resources_of(value, f"{prefix}{name}.")


def _is_below(name: str, path: str) -> bool:
    return f"{name}.".startswith(f"{path}.")


def _resource_text(name: str, resource: Resource) -> str:
    title = f"``ultravox.{name}``"
    methods = {
        method: function
        for cls in type(resource).__mro__
        for method, function in vars(cls).items()
        if inspect.isfunction(function) and method[0] != "_"
    }
    described = [_method_text(f"ultravox.{name}.{method}", function) for method, function in methods.items()]
    return "\n".join([title, "-" * len(title), "", _docstring(type(resource)), "", *described])


def _method_text(name: str, function: Callable[..., Any]) -> str:
    operation = operations_of_methods().get(name.removeprefix("ultravox."))
    lines = [f".. py:method:: {name}{_signature(function)}"]
    if inspect.iscoroutinefunction(function):
        lines.append("   :async:")
    lines.append("")
    if operation is not None:
        lines += [f"   ``{operation}``", ""]
    return "\n".join([*lines, indented(_docstring(function)), ""])


def _signature(function: Callable[..., Any]) -> str:
    signature = inspect.signature(function)
    hints = _hints_of(function, include_extras=True)
    parameters = [
        one.replace(annotation=_Written(_written(hints[one.name])))
        for one in signature.parameters.values()
        if one.name not in {"self", "cls"}
    ]
    result = _Written(_written(hints["return"]))
    return str(signature.replace(parameters=parameters, return_annotation=result))


class _Written:
    """An annotation that is shown as it is written here."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def _type_text(name: str) -> str:
    value = getattr(types, name)
    if not isinstance(value, type):
        return _data(_TYPES, name, _written_out(value))
    lines = [f".. py:class:: {name}", f"   :module: {_TYPES}", "", indented(_docstring(value)), ""]
    if not attrs.has(value):
        lines.append("   A `typing.TypedDict`: its fields are the keyword arguments of methods.")
    fields = fields_of(value)
    hints = _hints_of(value, include_extras=True)
    described = [_field_text(value, field, fields[field], hints[field]) for field in fields]
    constructors = [_constructor_text(name, member) for name, member in _constructors(value)]
    return "\n".join([*lines, "", *described, *constructors])


def _constructors(cls: type) -> Iterator[tuple[str, Callable[..., Any]]]:
    for name in vars(cls):
        member = getattr(cls, name)
        if inspect.ismethod(member) and name[0] != "_":
            yield name, member.__func__


def _constructor_text(name: str, function: Callable[..., Any]) -> str:
    lines = [f"   .. py:method:: {name}{_signature(function)}", "      :classmethod:", "      :no-contents-entry:", ""]
    return "\n".join([*lines, indented(_docstring(function), 2), ""])


def _field_text(owner: type, name: str, field: Field, hint: object) -> str:
    # The field of a member has an underscore behind its name; see `types._member`.
    shown = name.removesuffix("_") if name.endswith("_") and hasattr(owner, name.removesuffix("_")) else name
    lines = [f"   .. py:attribute:: {shown}", f"      :type: {_written(hint)}", "      :no-contents-entry:", ""]
    limits = _limits(field.rule)
    if field.required and not attrs.has(owner):
        limits.insert(0, "required")
    # In the paragraph of the docstring: a page has hundreds of fields.
    note = f" *{_capitalized('; '.join(limits))}.*" if limits else ""
    return "\n".join([*lines, indented(_attribute_doc(owner, shown).rstrip() + note, 2), ""])


def _capitalized(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}"


def _limits(rule: Rule) -> list[str]:
    unit = "characters" if rule.kind is str else "items"
    found: list[str] = []
    if rule.format is not None:
        found.append(rule.format.description)
    if rule.max_length is not None:
        found.append(f"{f'{rule.min_length} to' if rule.min_length else 'at most'} {rule.max_length} {unit}")
    elif rule.min_length:
        found.append(f"at least {rule.min_length} {unit if rule.min_length > 1 else unit[:-1]}")
    if rule.at_least is not None:
        found.append(
            f"{rule.at_least:g} or more" if rule.at_most is None else f"from {rule.at_least:g} to {rule.at_most:g}"
        )
    if rule.exactly_one:
        found.append("exactly one field of it is set")
    if rule.alternative is not None:
        found.append("only one of the alternatives can be given")
    if rule.sensitive:
        found.append("a secret, never shown")
    if rule.items is not None:
        found += [f"each item: {limit}" for limit in _limits(rule.items)]
    return found


def _data(module: str, name: str, written: str) -> str:
    lines = [f".. py:data:: {name}", f"   :module: {module}", f"   :type: {written}", ""]
    return "\n".join([*lines, indented(_module_doc(name)), ""])


_WRAPPERS: Final = (Annotated, NotRequired, Required, Unpack)


def _written(hint: object) -> str:
    """Return an annotation as people read it: without markers, and with the public names of types and aliases."""
    return _alias_of(hint) or _written_out(hint)


def _written_out(hint: object) -> str:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in _WRAPPERS:
        return _written(arguments[0])
    if origin in {Union, UnionType}:
        return " | ".join(dict.fromkeys(map(_written, arguments)))
    if origin is Literal:
        return f"Literal[{', '.join(map(repr, arguments))}]"
    if isinstance(hint, list):  # the arguments of a Callable
        return f"[{', '.join(map(_written, cast('list[object]', hint)))}]"
    name = _name_of(origin or hint)
    return f"{name}[{', '.join(map(_written, arguments))}]" if arguments else name


def _name_of(kind: object) -> str:
    special: Mapping[object, str] = {NoneType: "None", Ellipsis: "..."}
    if kind in special:
        return special[kind]
    name = str(getattr(kind, "__name__", kind))
    # Some fields are called date, and a link would lead to them.
    return f"datetime.{name}" if getattr(kind, "__module__", "") == "datetime" else name


@cache
def _aliases() -> Sequence[tuple[object, str]]:
    modules = {module: importlib.import_module(module) for module in PUBLIC_NAMES}
    values = [(getattr(modules[module], name), name) for module, names in PUBLIC_NAMES.items() for name in names]
    return [(value, name) for value, name in values if not isinstance(value, type) and not inspect.isroutine(value)]


def _alias_of(hint: object) -> str | None:
    if get_origin(hint) not in {Union, UnionType, Literal}:
        return None
    return next((name for value, name in _aliases() if value == hint), None)


def _module_of_type(name: str) -> str:
    value = getattr(types, name)
    # An alias does not know where it is defined.
    return value.__module__ if isinstance(value, type) else _home_of_alias(name)


def _module_doc(name: str) -> str:
    return _attr_docs(_home_of_alias(name))["", name]


@cache
def _home_of_alias(name: str) -> str:
    """Return the module in which a name stands with a docstring; others import it from there."""
    loaded = {key: module for key, module in sys.modules.items() if key.startswith("ultravox_async")}
    return next(key for key, module in sorted(loaded.items()) if name in vars(module) and ("", name) in _attr_docs(key))


def _attribute_doc(owner: type, name: str) -> str:
    for cls in _bases(owner):
        if (cls.__name__, name) in (docs := _attr_docs(cls.__module__)):
            return docs[cls.__name__, name]
    raise LookupError(f"{owner.__name__}.{name} has no docstring")


def _bases(cls: type) -> Iterator[type]:
    # A TypedDict forgets its bases, so that they are read from its source.
    yield cls
    definition = ast.parse(inspect.getsource(cls)).body[0]
    named = [base.id for base in cast("ast.ClassDef", definition).bases if isinstance(base, ast.Name)]
    for base in (getattr(sys.modules[cls.__module__], name) for name in named):
        if base.__module__.startswith("ultravox_async"):
            yield from _bases(base)


@cache
def _attr_docs(module: str) -> Mapping[tuple[str, str], str]:
    docs = ModuleAnalyzer.for_module(module).find_attr_docs()
    return {key: "\n".join(lines) for key, lines in docs.items()}


def _docstring(value: object) -> str:
    return str(GoogleDocstring(inspect.cleandoc(value.__doc__ or "")))


def indented(text: str, levels: int = 1) -> str:
    """Return a text that is indented by some levels."""
    return textwrap.indent(text, "   " * levels)
