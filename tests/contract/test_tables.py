"""All operations and all schemas are accounted for, in both directions."""

import attrs

from tests.contract.classes import all_classes, implemented, named
from tests.contract.document import needs_schema, the_document
from tests.contract.exceptions import IDS, NOT_IN_THE_SCHEMA, NOT_OPERATIONS
from tests.contract.methods import all_functions, sent_by_each
from tests.contract.operations import FORMS, OPERATIONS, Missing
from tests.contract.schemas import PAGE, SCHEMAS
from ultravox_async import Page
from ultravox_async._wire.names import wire_name
from ultravox_async._wire.rules import fields_of

pytestmark = needs_schema


def test_the_tables_have_all_operations_and_all_schemas() -> None:
    assert set(OPERATIONS) == set(the_document().operations)
    assert set(SCHEMAS) == set(the_document().schemas)
    assert (len(OPERATIONS), len(SCHEMAS)) == (114, 176)


async def test_no_operation_that_has_a_method_is_listed_without_one() -> None:
    reached = {one.operation: name for name, requests in (await sent_by_each()).items() for one in requests}
    missing = [operation for operation, found in OPERATIONS.items() if isinstance(found, Missing)]
    assert {operation: reached[operation] for operation in missing if operation in reached} == {}


async def test_each_method_reaches_its_operation_and_no_other() -> None:
    reached = {name: {one.operation for one in requests} for name, requests in (await sent_by_each()).items()}
    listed = {name: {operation} for operation, name in OPERATIONS.items() if not isinstance(name, Missing)}
    assert reached == listed | {name: {operation} for operation, name in FORMS.items()}


def test_each_class_stands_for_a_schema_or_is_a_query() -> None:
    listed = [named(name) for names in SCHEMAS.values() if not isinstance(names, Missing) for name in names]
    others = {name for name, cls in all_classes().items() if cls not in listed and not is_query(cls)}
    assert others == set(NOT_IN_THE_SCHEMA)
    assert len(all_classes()) >= 12


def is_query(cls: type) -> bool:
    return all(field.rule.in_query for field in fields_of(cls).values())


def test_each_page_of_the_schema_is_a_page_here() -> None:
    document = the_document()
    pages = [name for name, found in SCHEMAS.items() if found is PAGE]
    assert len(pages) == 20
    fields = {wire_name(field.name) for field in attrs.fields(Page)}
    assert {wire for name in pages for wire in document.properties_of(document.schemas[name])} == fields
    assert all(document.schemas[name]["required"][-1] == "results" for name in pages)


def test_each_exception_for_a_method_or_an_id_is_needed() -> None:
    last_parts = {name.rpartition(".")[2] for name in all_functions()}
    assert set(NOT_OPERATIONS) <= {*all_functions(), *last_parts}
    for here, (there, _) in IDS.items():
        assert any(f"{{{there}}}" in operation for operation, _ in implemented(the_document()))
        assert not any(f"{{{here}}}" in operation for operation in OPERATIONS)
