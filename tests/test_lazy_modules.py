"""The modules of the tags other than SIP are loaded when they are first used, and look as if they always were."""

import ast
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import is_typeddict

import attrs
import pytest

from ultravox_async import AsyncUltravox, resources, types
from ultravox_async.resources._attributes import ResourceAttributes
from ultravox_async.resources._base import Resource

TAGS = sorted(module.name for module in pkgutil.iter_modules(types.__path__) if not module.name.startswith("_"))
RESOURCES = sorted(module.name for module in pkgutil.iter_modules(resources.__path__) if module.name[0] != "_")


def loaded_by(script: str) -> set[str]:
    """Return the modules of the package that a new interpreter has loaded after `script`."""
    code = f"import sys\n{script}\nprint([name for name in sys.modules if name.startswith('ultravox_async')])"
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout  # noqa: S603 - this interpreter
    return set(ast.literal_eval(printed))


def test_importing_the_package_loads_the_modules_of_sip_and_of_no_other_tag() -> None:
    loaded = loaded_by("import ultravox_async")
    tags = {f"ultravox_async.types.{name}" for name in TAGS} | {
        f"ultravox_async.resources.{name}" for name in RESOURCES
    }
    assert len(tags) >= 6
    shared = {"ultravox_async.types.shared"}
    assert loaded & tags - shared == {"ultravox_async.types.sip", "ultravox_async.resources.sip"}


def test_making_a_client_loads_nothing_more() -> None:
    assert loaded_by("import ultravox_async; ultravox_async.AsyncUltravox('a-key')") == loaded_by(
        "import ultravox_async"
    )


@pytest.mark.parametrize(
    "script",
    [
        "from ultravox_async.types import Webhook",
        "import ultravox_async.types; ultravox_async.types.Webhook",
        "from ultravox_async import types; types.WebhookChanges",
    ],
)
def test_a_type_is_loaded_when_it_is_used(script: str) -> None:
    assert "ultravox_async.types.webhooks" in loaded_by(script)


def test_a_star_import_has_the_names_that_type_checkers_see() -> None:
    namespace: dict[str, object] = {}
    exec("from ultravox_async.types import *", namespace)  # noqa: S102 - allowed at the level of a module only
    stub = ast.parse((Path(types.__file__ or "").with_suffix(".pyi")).read_text("utf-8"))
    seen = {alias.asname for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert namespace.keys() - {"__builtins__"} == seen
    assert len(seen) > 150


def test_a_resource_is_loaded_when_it_is_used() -> None:
    loaded = loaded_by("from ultravox_async import AsyncUltravox; AsyncUltravox('a-key').webhooks")
    assert {"ultravox_async.resources.webhooks", "ultravox_async.types.webhooks"} <= loaded
    assert "ultravox_async.resources.corpora" not in loaded


@pytest.mark.parametrize("module", [types, resources])
@pytest.mark.parametrize("name", ["Novelty", "webhook", "_Novelty", "__novelty__"])
def test_a_name_that_does_not_exist_is_an_attribute_error(module: ModuleType, name: str) -> None:
    with pytest.raises(AttributeError, match=f"module '{module.__name__}' has no attribute '{name}'"):
        getattr(module, name)


def test_a_name_that_does_not_exist_cannot_be_imported() -> None:
    with pytest.raises(ImportError, match="cannot import name 'Novelty'"):
        exec("from ultravox_async.types import Novelty")  # noqa: S102 - type checkers refuse it as a statement


# What a user sees in completion: the classes, TypedDicts and aliases, in CamelCase.
EXPORTED = [name for name in dir(types) if name[0].isupper() and name not in {"Any", "TYPE_CHECKING"}]


def test_type_checkers_are_told_the_names_that_the_running_program_finds() -> None:
    stub = ast.parse((Path(str(types.__file__)).with_suffix(".pyi")).read_text("utf-8"))
    told = [alias.name for node in ast.walk(stub) if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert sorted(told) == sorted(EXPORTED)


@pytest.mark.parametrize("name", EXPORTED)
def test_each_exported_class_is_described(name: str) -> None:
    found = getattr(types, name)
    assert not isinstance(found, type) or (found.__name__ == name and found.__doc__)


@pytest.mark.parametrize("tag", [tag for tag in TAGS if tag != "shared"])
def test_each_class_of_a_tag_is_exported(tag: str) -> None:
    module = importlib.import_module(f"{types.__name__}.{tag}")
    classes = {
        name
        for name, found in vars(module).items()
        if (is_typeddict(found) or (isinstance(found, type) and attrs.has(found)))
        and found.__module__ == module.__name__
    }
    assert classes
    assert classes <= set(EXPORTED)


LAZY_RESOURCES = [name for name, member in vars(ResourceAttributes).items() if isinstance(member, property)]


@pytest.mark.parametrize("name", LAZY_RESOURCES)
def test_each_lazy_attribute_of_the_client_is_a_resource_that_can_be_imported(name: str) -> None:
    found = getattr(AsyncUltravox("a-key"), name)
    assert isinstance(found, Resource)
    assert getattr(resources, type(found).__name__) is type(found)


def test_there_are_lazy_attributes_to_look_at() -> None:
    assert {"corpora", "webhooks"} <= set(LAZY_RESOURCES)
