"""All operations and all schemas are accounted for, in both directions."""

import attrs

from tests.contract.classes import all_classes, implemented, named, result_types_of, sent_classes_of
from tests.contract.document import (
    body_of,
    needs_schema,
    operations,
    owner_of,
    properties_of,
    query_of,
    response_of,
    schemas,
)
from tests.contract.exceptions import IDS, NOT_IN_THE_SCHEMA, NOT_OPERATIONS, NOT_SENT, RESULTS, SENT_UNDECLARED
from tests.contract.methods import Sent, all_functions, sent_by_each
from tests.contract.operations import OPERATIONS, Missing
from tests.contract.schemas import PAGE, SCHEMAS
from ultravox_async import Page
from ultravox_async._wire.names import wire_name
from ultravox_async._wire.rules import fields_of

pytestmark = needs_schema


async def sent() -> list[tuple[str, Sent]]:
    """Return what each method sends that has an operation in the table, beside the operation."""
    by_method = await sent_by_each()
    return [(operation, one) for operation, method in implemented() for one in by_method[method.name]]


def test_the_tables_have_all_operations_and_all_schemas() -> None:
    assert set(OPERATIONS) == set(operations())
    assert set(SCHEMAS) == set(schemas())
    assert (len(OPERATIONS), len(SCHEMAS)) == (114, 176)


async def test_no_operation_that_has_a_method_is_listed_without_one() -> None:
    reached = {one.operation: name for name, requests in (await sent_by_each()).items() for one in requests}
    missing = [operation for operation, found in OPERATIONS.items() if isinstance(found, Missing)]
    assert {operation: reached[operation] for operation in missing if operation in reached} == {}


async def test_each_method_reaches_its_operation_and_no_other() -> None:
    reached = {name: {one.operation for one in requests} for name, requests in (await sent_by_each()).items()}
    listed = {name: {operation} for operation, name in OPERATIONS.items() if not isinstance(name, Missing)}
    assert reached == listed


async def test_each_method_sends_each_query_parameter_and_no_other() -> None:
    assert {operation: one.query for operation, one in await sent()} == {
        operation: set(query_of(operation)) for operation, _ in implemented()
    }


async def test_each_method_sends_each_field_that_is_not_read_only_and_no_other() -> None:
    # Alternatives are sent one by one.
    by_operation: dict[str, frozenset[str]] = {}
    for operation, one in await sent():
        by_operation[operation] = by_operation.get(operation, frozenset()) | (one.body or frozenset())
    bodies = [(body_of(operation) or {"x-name": operation}, found) for operation, found in by_operation.items()]
    names = {
        name: {field.wire for cls in sent_classes_of(name) for field in fields_of(cls).values()} for name in SCHEMAS
    }
    bodies += [({**schemas()[name], "x-name": name}, frozenset(found)) for name, found in names.items() if found]
    not_sent: set[str] = set()
    undeclared: set[str] = set()
    for body, found in bodies:
        writable = {name for name, declared in properties_of(body).items() if not declared.get("readOnly")}
        not_sent |= {f"{owner_of(body)}.{name}" for name in writable - found}
        undeclared |= {f"{owner_of(body)}.{name}" for name in found - writable}
    assert not_sent == set(NOT_SENT)
    assert undeclared == set(SENT_UNDECLARED)


async def test_each_response_is_decoded_into_the_class_of_its_schema() -> None:
    different = {
        operation for operation, one in await sent() if one.result_type not in result_types_of(response_of(operation))
    }
    assert different == set(RESULTS)


def test_each_class_stands_for_a_schema_or_is_a_query() -> None:
    listed = [named(name) for names in SCHEMAS.values() if not isinstance(names, Missing) for name in names]
    others = {name for name, cls in all_classes().items() if cls not in listed and not is_query(cls)}
    assert others == set(NOT_IN_THE_SCHEMA)
    assert len(all_classes()) >= 12


def is_query(cls: type) -> bool:
    return all(field.rule.in_query for field in fields_of(cls).values())


def test_each_page_of_the_schema_is_a_page_here() -> None:
    pages = [name for name, found in SCHEMAS.items() if found is PAGE]
    assert len(pages) == 20
    fields = {wire_name(field.name) for field in attrs.fields(Page)}
    assert {wire for name in pages for wire in properties_of(schemas()[name])} == fields
    assert all(schemas()[name]["required"][-1] == "results" for name in pages)


def test_each_exception_for_a_method_or_an_id_is_needed() -> None:
    last_parts = {name.rpartition(".")[2] for name in all_functions()}
    assert set(NOT_OPERATIONS) <= {*all_functions(), *last_parts}
    for here, (there, _) in IDS.items():
        assert any(f"{{{there}}}" in operation for operation, _ in implemented())
        assert not any(f"{{{here}}}" in operation for operation in OPERATIONS)
