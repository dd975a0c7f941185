"""The package differs from the schema only where an exception says so, and each exception is needed."""

import re
from pathlib import Path

import pytest

from tests.contract import exceptions
from tests.contract.changes import COSMETIC, keywords_at
from tests.contract.classes import all_classes, places, received
from tests.contract.comparisons import COMPARISONS, Comparison, exceptions_for, found_by
from tests.contract.document import needs_schema, the_document
from tests.contract.operations import OPERATIONS, Missing
from tests.contract.schemas import SCHEMAS
from tests.contract.tables import sent
from tests.contract.writing import class_name

pytestmark = needs_schema

COMPARED = {
    *("type", "format", "pattern", "enum", "items", "additionalProperties", "$ref", "allOf", "oneOf"),
    *("required", "nullable", "readOnly", "writeOnly"),
    *("minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum"),
    *("servers", "in", "name", "schema", "requestBody", "responses"),
}
NOT_COMPARED = {
    "default",  # what the API does with an absent field
    "deprecated",  # said in docstrings
    "info",
    "openapi",
    "security",  # the key is sent with every request
}


@pytest.mark.parametrize("compare", COMPARISONS, ids=lambda compare: compare.__name__)
def test_the_package_differs_from_the_schema_only_where_an_exception_says_so(compare: Comparison) -> None:
    listed = exceptions_for(COMPARISONS[compare])
    found = found_by(compare, the_document())
    assert [one for one in found if one.where not in listed] == []
    assert {one.where for one in found} == set(listed), "these lines are not needed any more"


def test_each_table_of_exceptions_belongs_to_a_comparison() -> None:
    in_tests_of_the_tables = {"NOT_OPERATIONS", "IDS", "NOT_IN_THE_SCHEMA"}
    names = {name for name in vars(exceptions) if name.isupper()}
    assert {table for table in COMPARISONS.values() if table} == names - in_tests_of_the_tables


def test_each_exception_has_one_line_and_a_reason() -> None:
    text = Path(exceptions.__file__).read_text("utf-8")
    tables = re.findall(r"^[A-Z_]+(?:: .+?)? = {\n(.+?)^}$", text, re.MULTILINE | re.DOTALL)
    lines = [line for table in tables for line in table.splitlines()]
    assert [line for line in lines if not re.fullmatch(r'    "[^"]+": (?:\("\w+", )?"[^"]{7,}"\)?,', line)] == []
    assert [table for table in tables if table.splitlines()[0].endswith(("the same", "likewise"))] == []
    assert len(lines) == sum(len(vars(exceptions)[name]) for name in vars(exceptions) if name.isupper())


def test_each_operation_is_looked_at_or_has_a_reason() -> None:
    looked_at = {operation for operation, _, requests in sent(the_document()) if requests}
    reasons = {operation for operation, found in OPERATIONS.items() if isinstance(found, Missing) and found.reason}
    assert looked_at | reasons == set(the_document().operations)
    assert len(looked_at) + len(reasons) == 114


def test_each_schema_is_looked_at_or_has_a_reason() -> None:
    document = the_document()
    wheres = {one.where for one in places(document)} | {one.where for one in received(document)}
    owners = {where.partition("[")[0].rpartition(".")[0] for where in wheres}
    reasons = {name for name, found in SCHEMAS.items() if isinstance(found, Missing) and found.reason}
    # The values of an enumeration are compared with its alias, and an object without fields has only its class.
    others = {name for name, declared in document.schemas.items() if not declared.get("properties")}
    looked_at = {name for name in SCHEMAS if name.removeprefix("Patched") in owners or name in others}
    assert looked_at | reasons == set(document.schemas)
    assert len(looked_at | reasons) == 176


def test_no_schema_that_has_a_class_is_listed_without_one() -> None:
    classes = {name.rpartition(".")[2] for name in all_classes()}
    # These reasons name the class.
    missing = {name for name, found in SCHEMAS.items() if isinstance(found, Missing) and "`" not in found.reason}
    assert {name for name in missing if class_name(name) in classes} == set()


def test_each_keyword_of_the_schema_is_compared_or_cosmetic() -> None:
    used = {keyword for _, keywords in keywords_at(the_document()) for keyword in keywords}
    assert used - COMPARED - COSMETIC == NOT_COMPARED
