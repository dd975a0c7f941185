"""The Sphinx extension of this site: the reference is read from the annotations and docstrings of the package.

It adds these directives, a check that no public name and no operation is missing, and the drawings to the pages
themselves, so that they have the colours of the page:

- ``operations``: the methods of a resource, with the paths of the API
- ``wire-types``: the types of a tag of the API, with the limits of their fields
- ``aliases``: names of the package that stand for a type
- ``operation-table``: all operations of the API, with their methods
- ``commands``: all commands of the command line
"""

import builtins
from pathlib import Path
from typing import cast

from docutils import nodes
from sphinx.addnodes import pending_xref, pending_xref_condition
from sphinx.application import Sphinx
from sphinx.domains.python import PythonDomain
from sphinx.environment import BuildEnvironment
from sphinx.ext.napoleon.docstring import GoogleDocstring
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from docs.command_text import commands_text
from docs.package_text import (
    alias_text,
    is_made_by_the_package,
    operations_text,
    resource_names,
    table_of_operations,
    types_text,
)
from docs.public_names import PUBLIC_NAMES, operation_names

_log = logging.getLogger(__name__)


class Operations(SphinxDirective):
    """Describes the methods of a resource, and of the resources below it: ``.. operations:: sip``."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the descriptions."""
        return self.parse_text_to_nodes(operations_text(self.arguments[0]), allow_section_headings=True)


class WireTypes(SphinxDirective):
    """Describes the types of some modules of `ultravox_async.types`: ``.. wire-types:: sip sip_fallback``."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Return the descriptions."""
        return self.parse_text_to_nodes("\n".join(map(types_text, self.arguments[0].split())))


class Aliases(SphinxDirective):
    """Describes names that stand for a type: ``.. aliases:: ultravox_async Via Ids``."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Return the descriptions."""
        module, *names = self.arguments[0].split()
        return self.parse_text_to_nodes("\n".join(alias_text(module, name) for name in names))


class OperationTable(SphinxDirective):
    """Lists all operations of the API, each with its method."""

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        return self.parse_text_to_nodes(table_of_operations())


class Commands(SphinxDirective):
    """Describes all commands of the command line."""

    def run(self) -> list[nodes.Node]:
        """Return the descriptions."""
        return self.parse_text_to_nodes(commands_text(), allow_section_headings=True)


def _find_by_last_name(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.Element
) -> nodes.Element | None:
    """Resolve a reference to a name of the package that is written in a shorter form, or as where it is defined."""
    if node.get("refdomain") != "py":
        return None
    domain = cast("PythonDomain", env.get_domain("py"))
    target = str(node["reftarget"])
    resources = resource_names()
    # `Calls.create` and `calls.create` are both ultravox.calls.create; a type may come with its private module.
    owner, _, method = target.rpartition(".")
    candidates = [f"ultravox.{target}", f"{resources.get(owner, '')}.{method}"]
    candidates += [f"{module}.{target}" for module in PUBLIC_NAMES]
    candidates += [f"{module}.{target.rpartition('.')[2]}" for module in PUBLIC_NAMES if "ultravox_async" in target]
    for name in candidates:
        if name in domain.objects:
            return domain.resolve_xref(
                env, str(node["refdoc"]), app.builder, "obj", name, _without_type(node, name), content
            )
    return None


def _unlink_builtins(app: Sphinx, document: nodes.document) -> None:
    # Sphinx would look for a name that ends like this, and find the field `type` of a class.
    del app  # part of the signature
    for node in list(document.findall(pending_xref)):
        if node.get("refdomain") == "py" and node["reftarget"] in vars(builtins):
            conditions = list(node.findall(pending_xref_condition))
            node.replace_self(conditions[0].children if conditions else node.children)


def _inline_drawings(app: Sphinx, document: nodes.document) -> None:
    """Put SVG files into the pages: images of their own would not have the colours of the theme."""
    for image in list(document.findall(nodes.image)):
        label = nodes.Text(image["alt"]).astext()
        drawing = (Path(app.srcdir) / image["uri"]).read_text(encoding="utf-8")
        html = f'<span class="drawing" role="img" aria-label="{label}">{drawing}</span>'
        image.replace_self(nodes.raw("", html, format="html"))


def _without_type(node: pending_xref, name: str) -> pending_xref:
    found = node.copy()
    found["reftarget"] = name
    found["reftype"] = "obj"
    return found


def _read_sections(  # noqa: PLR0913, PLR0917 - the signature of the event
    app: Sphinx, what: str, name: str, value: object, options: object, lines: list[str]
) -> None:
    """Convert the sections of a docstring, such as "Args:", as the extension napoleon would.

    That extension also reads "Seconds to wait: none by default" at an attribute as a type and a description.
    """
    del app, what, name, value, options  # part of the signature
    lines[:] = GoogleDocstring(lines).lines()


def _show_signature(  # noqa: PLR0913, PLR0917 - the signature of the event
    app: Sphinx, what: str, name: str, value: object, options: object, signature: str | None, result: str | None
) -> tuple[str | None, str | None] | None:
    """Leave out the arguments of classes that only the package itself makes, and what attrs shows as a default."""
    del app, name, options  # part of the signature
    if what == "class" and is_made_by_the_package(cast("type", value)):
        return "", result
    return None if signature is None else (signature.replace("NOTHING", "..."), result)


def _check_that_nothing_is_missing(app: Sphinx, env: BuildEnvironment) -> None:
    del app  # part of the signature
    described = set(cast("PythonDomain", env.get_domain("py")).objects)
    names = {f"{module}.{name}" for module, names in PUBLIC_NAMES.items() for name in names}
    for name in sorted((names | operation_names()) - described):
        _log.warning("the reference does not describe %s", name)
    _log.info("the reference describes %d names and %d methods of operations", len(names), len(operation_names()))


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directives and the check."""
    app.add_directive("operations", Operations)
    app.add_directive("wire-types", WireTypes)
    app.add_directive("aliases", Aliases)
    app.add_directive("operation-table", OperationTable)
    app.add_directive("commands", Commands)
    app.connect("autodoc-process-docstring", _read_sections)
    app.connect("autodoc-process-signature", _show_signature)
    app.connect("missing-reference", _find_by_last_name)
    app.connect("doctree-read", _unlink_builtins)
    app.connect("doctree-read", _inline_drawings)
    app.connect("env-check-consistency", _check_that_nothing_is_missing)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
