"""Prints what a newer version of the API's schema brings, in the terms of the package.

``python -m tests.contract.drift NEW.yaml`` compares NEW with what the package has. What `exceptions` lists is no drift.
With ``--base OLD.yaml`` it tells only what is different between OLD and NEW, exceptions included.

It exits with status 1 if something is to do, and with 0 if not.
"""

import argparse
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

from tests.contract.changes import changes, without_effect
from tests.contract.comparisons import differences, undocumented
from tests.contract.differences import Difference, Group
from tests.contract.document import Document, read

_WIDTH = 100


def drift(new: Document, base: Document | None = None) -> list[Difference]:
    """Return what a version brings, compared with the package, or with another version."""
    if base is None:
        return undocumented(new)
    known = set(differences(base))
    brought = [one for one in differences(new) if one not in known]
    return [*brought, *without_effect(changes(base, new), brought)]


def report(found: Iterable[Difference]) -> Iterator[str]:
    """Return the lines to print: by group, and by what they are about."""
    ordered = sorted(found, key=lambda one: (list(Group).index(one.group), one.subject, one.text))
    for group, ones in groupby(ordered, lambda one: one.group):
        lines = sorted({(one.subject, one.text) for one in ones})
        yield f"{group.value} ({len(lines)})"
        for subject, of_subject in groupby(lines, lambda line: line[0]):
            yield f"  {subject}"
            for _, text in of_subject:
                yield textwrap.fill(text, _WIDTH, initial_indent="    - ", subsequent_indent="      ")
        yield ""


def is_to_do(found: Iterable[Difference]) -> bool:
    return any(one.group is not Group.COSMETIC for one in found)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.contract.drift", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("new", type=_document, metavar="NEW.yaml", help="the newer version, in YAML or JSON")
    parser.add_argument("--base", type=_document, metavar="OLD.yaml", help="tell only what changed since this version")
    given = parser.parse_args(arguments)
    found = drift(given.new, given.base)
    sys.stdout.writelines(f"{line}\n" for line in report(found))
    sys.stdout.write("There is something to do.\n" if is_to_do(found) else "There is nothing to do.\n")
    return int(is_to_do(found))


def _document(path: str) -> Document:
    try:
        return read(Path(path))
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(str(error)) from None


if __name__ == "__main__":
    sys.exit(main())
