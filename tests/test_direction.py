import ast
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = "ultravox_async"
FILES = sorted((ROOT / PACKAGE).rglob("*.py"))

# The modules that import nothing of the package but each other.
LEAVES = {
    f"ultravox_async._wire.{name}"
    for name in ("durations", "error_body", "json_form", "names", "redaction", "scalars", "text")
}

# Below the types, because `from_dict` uses it. It does not import any of them.
CONVERTER = {"ultravox_async._wire.converter"}

# A module imports from its own layer and from those below it.
LAYERS = (
    {"ultravox_async.otel", "ultravox_async.redis"},
    {"ultravox_async"},
    {"ultravox_async.client"},
    {"ultravox_async.resources"},
    {"ultravox_async._bulk", "ultravox_async._wait", "ultravox_async._watch"},
    {"ultravox_async._download", "ultravox_async._pagination"},
    {"ultravox_async._http"},
    {"ultravox_async.observer", "ultravox_async.settings", "ultravox_async.stats", "ultravox_async._version"},
    {"ultravox_async.annotations", "ultravox_async.emulator_options"},
    {"ultravox_async.webhooks"},
    {"ultravox_async._wire"},
    {"ultravox_async.types"},
    CONVERTER,
    {"ultravox_async.errors"},
    LEAVES,
)
TESTING = "ultravox_async.testing"
# Parts that need an extra. They are users of the package as any other.
OPTIONAL = ("ultravox_async.otel", "ultravox_async.redis")
# The base class of the types, and the only module among them that decodes or raises.
WIRE_OBJECT = "ultravox_async.types._object"


def name_of(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(file): ast.parse(file.read_text("utf-8")) for file in FILES}


def imported(tree: ast.AST) -> Iterator[str]:
    """Yield the name of each module that `tree` imports, anywhere in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here, so that this test can read them"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            submodules = names & set(MODULES)
            yield from submodules
            if names - submodules:
                yield str(node.module)


IMPORTED = {name: frozenset(imported(tree)) for name, tree in MODULES.items()}


def own(name: str) -> set[str]:
    return {found for found in IMPORTED[name] if found.split(".")[0] == PACKAGE}


def top_level(name: str) -> set[str]:
    return {found.split(".")[0] for found in IMPORTED[name]}


def is_below(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def layer(name: str) -> int:
    # The package itself needs an exact match, because all names begin with its name. The modules of `_wire` that have
    # layers below it are looked up first.
    for named in (CONVERTER, LEAVES):
        if name in named:
            return LAYERS.index(named)
    found = [
        rank
        for rank, packages in enumerate(LAYERS)
        if any(name == package if package == PACKAGE else is_below(name, package) for package in packages)
    ]
    assert len(found) == 1, f"{name} has no layer yet"
    return found[0]


OUTSIDE_TESTING = [name for name in MODULES if not is_below(name, TESTING)]
TYPES = [name for name in MODULES if is_below(name, "ultravox_async.types")]


def test_every_module_of_the_package_is_looked_at() -> None:
    import_names = {name_of(file) for file in (ROOT / PACKAGE).glob("**/*") if file.suffix == ".py"}
    assert len(FILES) == len(MODULES) == len(import_names) > 15
    assert sum(map(len, IMPORTED.values())) > 100
    assert len(OUTSIDE_TESTING) > 15
    assert len(TYPES) >= 2


@pytest.mark.parametrize("name", OUTSIDE_TESTING)
def test_a_module_imports_nothing_of_a_layer_above(name: str) -> None:
    assert [found for found in sorted(own(name)) if layer(found) < layer(name)] == []


def test_no_module_imports_itself_in_a_circle() -> None:
    graph = {name: own(name) - {name} for name in MODULES}
    # Raises CycleError, with the modules of the circle.
    assert len(list(TopologicalSorter(graph).static_order())) == len(MODULES)


def test_a_module_without_a_layer_is_noticed() -> None:
    with pytest.raises(AssertionError, match="has no layer yet"):
        layer("ultravox_async.novelty")


@pytest.mark.parametrize("name", TYPES)
def test_types_import_attrs_annotated_types_and_each_other(name: str) -> None:
    assert top_level(name) - {"annotated_types", "attrs", PACKAGE} <= sys.stdlib_module_names
    assert own(name) - set(TYPES) <= LEAVES | ({*CONVERTER, "ultravox_async.errors"} if name == WIRE_OBJECT else set())


@pytest.mark.parametrize("name", [name for name in MODULES if is_below(name, TESTING)])
def test_testing_imports_the_types_and_their_checks_and_nothing_else_of_the_package(name: str) -> None:
    allowed = {*TYPES, *LEAVES, "ultravox_async._wire.rules", "ultravox_async._wire.validation"}
    allowed |= {"ultravox_async.emulator_options"}
    assert [found for found in own(name) - allowed if not is_below(found, TESTING)] == []


@pytest.mark.parametrize("optional", OPTIONAL)
def test_an_optional_part_imports_the_public_names_only_and_nothing_imports_it(optional: str) -> None:
    inside = {name for name in MODULES if is_below(name, optional)}
    assert inside
    outside = {found for name in inside for found in own(name)} - inside
    assert PACKAGE in outside
    # Both have nothing but public names.
    assert outside <= {PACKAGE, "ultravox_async.webhooks"}
    assert [name for name in MODULES.keys() - inside if own(name) & inside] == []


COMMAND_LINE = "ultravox_async_cli"
COMMAND_LINE_TREES = {
    name_of(file): ast.parse(file.read_text("utf-8")) for file in sorted((ROOT / COMMAND_LINE).rglob("*.py"))
}


def test_nothing_imports_the_command_line_which_imports_the_public_names_only() -> None:
    found = {module for tree in COMMAND_LINE_TREES.values() for module in imported(tree) if is_below(module, PACKAGE)}
    public = {"annotations", "emulator_options", "testing.__main__", "types"}
    assert found == {PACKAGE, *(f"{PACKAGE}.{name}" for name in public)}
    assert not [name for name in MODULES if COMMAND_LINE in top_level(name)]
    assert len(COMMAND_LINE_TREES) > 40


def test_the_command_line_imports_late_in_one_place() -> None:
    late = {
        name
        for name, tree in COMMAND_LINE_TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom) and node not in tree.body
    }
    assert late == set()
    importing = [name for name, tree in COMMAND_LINE_TREES.items() if "importlib" in {*imported(tree)}]
    assert importing == [f"{COMMAND_LINE}.loading"]


def test_only_the_part_for_it_imports_redis() -> None:
    importing = {name for name in MODULES if "redis" in top_level(name)}
    assert importing
    assert all(is_below(name, "ultravox_async.redis") for name in importing)


def test_which_way_of_a_sweep_pays_is_decided_without_a_clock_and_an_event_loop() -> None:
    assert top_level("ultravox_async._bulk.choice") == {"attrs", "math"}


def test_only_the_converter_imports_cattrs() -> None:
    assert [name for name in MODULES if "cattrs" in top_level(name)] == ["ultravox_async._wire.converter"]


def test_few_modules_import_aiohttp() -> None:
    assert sorted(name for name in OUTSIDE_TESTING if "aiohttp" in top_level(name)) == [
        "ultravox_async._http.attempt",
        "ultravox_async._http.failures",
        "ultravox_async._http.keyless",
        "ultravox_async._http.open_body",
        "ultravox_async._http.pool",
        "ultravox_async._http.uploads",
        "ultravox_async.client",
        "ultravox_async.webhooks.aiohttp",
    ]


def test_webhooks_work_without_any_web_framework() -> None:
    frameworks = {"aiohttp", "fastapi", "starlette"}
    webhooks = [name for name in MODULES if is_below(name, "ultravox_async.webhooks")]
    assert len(webhooks) > 5
    assert [name for name in webhooks if frameworks & top_level(name)] == ["ultravox_async.webhooks.aiohttp"]
    assert [name for name in MODULES if "ultravox_async.webhooks.aiohttp" in own(name)] == []


def test_the_client_uses_aiohttp_for_nothing_but_two_annotations() -> None:
    tree = MODULES["ultravox_async.client"]
    annotations = [
        node.annotation for node in ast.walk(tree) if isinstance(node, ast.arg | ast.AnnAssign) and node.annotation
    ]
    annotated = {id(part) for annotation in annotations for part in ast.walk(annotation)}
    uses = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "aiohttp"
    ]
    assert {node.attr for node in uses} == {"ClientSession", "TraceConfig"}
    assert [ast.unparse(node) for node in uses if id(node) not in annotated] == []
    assert "aiohttp" not in {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}, (
        "then its names would escape this test"
    )


# They load a module for each tag of the API when it is first used (PEP 562), so that a program pays for what it uses.
LAZY = {"ultravox_async.resources", "ultravox_async.types"}


@pytest.mark.parametrize("name", sorted(MODULES.keys() - LAZY))
def test_every_import_stands_at_the_top_of_its_module(name: str) -> None:
    tree = MODULES[name]
    top = [*tree.body]
    if name in OPTIONAL:  # the error says which extra is missing
        (guarded,) = [node for node in tree.body if isinstance(node, ast.Try)]
        top += guarded.body
    anywhere = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert [ast.unparse(node) for node in anywhere if node not in top] == []


@pytest.mark.parametrize("name", sorted(MODULES.keys() - LAZY))
def test_no_module_hides_an_import_from_the_running_program(name: str) -> None:
    words = {node.id for node in ast.walk(MODULES[name]) if isinstance(node, ast.Name)}
    words |= {node.attr for node in ast.walk(MODULES[name]) if isinstance(node, ast.Attribute)}
    assert not words & {"TYPE_CHECKING", "__import__", "import_module"}
