"""What the docstrings of the package say, for the help of commands."""

import ast
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import pairwise
from textwrap import dedent
from typing import Any, Final

_SECTION: Final = re.compile(r"^(Args|Returns|Raises|Yields):$", re.MULTILINE)
_NONE: Final = re.compile(r"\bNone\b")
_UPLOAD: Final = re.compile("bytes, the path of a file, or a file object that was opened in binary mode")
_ARGUMENT: Final = re.compile(r"^(\*{0,2}\w+): ", re.MULTILINE)


def description_of(function: Callable[..., Any]) -> str:
    """Return what a docstring says before its first section, as paragraphs, without those for programmers."""
    paragraphs = _SECTION.split(inspect.getdoc(function) or "")[0].strip().split("\n\n")
    return "\n\n".join(_plain(one) for one in paragraphs if "``async for``" not in one)


def summary_of(documented: object) -> str:
    """Return the first line of a docstring, without what is for programmers."""
    return _plain((inspect.getdoc(documented) or "").partition("\n")[0].partition(": ``")[0]).rstrip(".")


def arguments_of(function: Callable[..., Any]) -> Mapping[str, str]:
    """Return what a docstring says of each argument."""
    sections = _SECTION.split(inspect.getdoc(function) or "")
    found = _ARGUMENT.split(dedent(dict(zip(sections[1::2], sections[2::2], strict=True)).get("Args", "")).strip())
    return {name: _plain(text) for name, text in zip(found[1::2], found[2::2], strict=True)}


def fields_of(shape: type) -> Mapping[str, str]:
    """Return what the strings below the fields of a TypedDict say, those of its bases included."""
    # A TypedDict has no bases at run time; the source has their names.
    module = inspect.getmodule(shape)
    classes = classes_in(module)
    node = classes.get(shape.__name__)
    if node is None:
        return {}
    bases = [getattr(module, base.id, None) for base in node.bases if isinstance(base, ast.Name)]
    inherited = [fields_of(base) for base in bases if isinstance(base, type) and base.__module__ != "typing"]
    return {name: text for one in [*inherited, dict(_strings_in(node))] for name, text in one.items()}


@cache
def classes_in(module: Any) -> Mapping[str, ast.ClassDef]:  # noqa: ANN401 - inspect.getmodule returns what it finds
    """Return the classes of a module, by their names; none if its source is not installed."""
    try:
        tree = ast.parse(inspect.getsource(module))
    except OSError:
        return {}
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}


def _strings_in(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, below in pairwise(node.body):
        if isinstance(field, ast.AnnAssign) and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            yield ast.unparse(field.target), _plain(str(below.value.value))


def _plain(text: str) -> str:
    """Return a text on one line, without marks, and with the names that JSON has for what Python calls None."""
    line = " ".join(text.replace("`", "").replace("::", ":").split())
    return _NONE.sub("null", _UPLOAD.sub("the path of a file", line))
