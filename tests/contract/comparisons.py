"""All comparisons of the package with a version of the schema, each with its table of exceptions."""

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import TypeAlias

from tests.contract import exceptions, requests, responses, tables, values
from tests.contract.differences import Difference, Group
from tests.contract.document import Document

Comparison: TypeAlias = Callable[[Document], Iterable[Difference]]

COMPARISONS: Mapping[Comparison, str | None] = {
    tables.connection: None,
    tables.operations: None,
    tables.schemas: None,
    tables.forms: None,
    tables.parameters: None,
    tables.requests_of_the_schemas: None,
    tables.results: "RESULTS",
    tables.not_sent: "NOT_SENT",
    tables.sent_undeclared: "SENT_UNDECLARED",
    requests.limits: "LIMITS",
    requests.formats: "FORMATS",
    requests.nulls: "NULLABLE_IN_A_REQUEST",
    requests.needed: "NEEDED_HERE",
    requests.optional: "OPTIONAL_HERE",
    responses.lacking: "NOT_ON_THE_CLASS",
    responses.left_over: "ON_THE_CLASS_UNDECLARED",
    responses.identity: "REQUIRED_ON_THE_CLASS",
    responses.defaults: "DEFAULTS",
    values.kinds: "KINDS",
    values.enumerations: "ENUMERATIONS",
    values.secrets: "SENSITIVE",
}
"""The comparisons, with the names of their tables in `exceptions`; None for those that know no exception."""


def exceptions_for(table: str | None) -> Mapping[str, str]:
    return getattr(exceptions, table) if table else {}


def differences(document: Document) -> list[Difference]:
    """Return where the package differs from a version of the schema, and which exceptions are not needed with it."""
    return [one for compare in COMPARISONS for one in (*found_by(compare, document), *unneeded(compare, document))]


def undocumented(document: Document) -> list[Difference]:
    """Return the same without what the tables of exceptions list."""
    return [
        one
        for compare, table in COMPARISONS.items()
        for one in (*found_by(compare, document), *unneeded(compare, document))
        if one.where not in exceptions_for(table) or one.subject.startswith("tests.")
    ]


@cache
def found_by(compare: Comparison, document: Document) -> list[Difference]:
    """Return what one comparison finds, after an operation that has moved at its new path."""
    return list(compare(document if compare is tables.operations else tables.following_moves(document)))


def unneeded(compare: Comparison, document: Document) -> list[Difference]:
    """Return a difference for each exception from a comparison that is not needed."""
    table = COMPARISONS[compare]
    lines = exceptions_for(table).keys() - {one.where for one in found_by(compare, document)}
    subject = f"tests.contract.exceptions.{table}"
    return [Difference(where, Group.MISSING, subject, f"the line for {where} is not needed") for where in lines]
