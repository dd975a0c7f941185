"""Runs the examples of a page, as somebody would who reads it from its beginning to its end.

- A ``python`` block runs in the namespace of its page.
- A ``{code-block} python`` or ``ini`` with a ``:caption:`` is a file of this name, which is written.
- A ``console`` block has commands behind ``$``, which run in the folder of these files.
- A ``text`` block is what the block before it prints, and so is what a command has below it. In both, ``...`` stands
  for any text.
- A comment that begins with ``<!-- check: python`` is code that tries what the page defines; readers do not see it.
- Blocks of other languages, such as ``sh`` and ``dockerfile``, are for the reader only.
"""

import doctest
import io
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Final, cast

from sybil import Document, Example, Sybil
from sybil.parsers.abstract import AbstractCodeBlockParser
from sybil.parsers.markdown.lexers import DirectiveInHTMLCommentLexer, FencedCodeBlockLexer
from sybil.parsers.myst.lexers import DirectiveLexer

PAGES: Final = Path(__file__).parents[2] / "docs"

_PATIENCE = 60.0
_PRINTED = "_printed"


def examples_of(page: Path) -> Document:
    """Return the examples of a page."""
    document = _SYBIL.parse(page)
    document.namespace["__name__"] = "__main__"
    return document


def run_examples_of(page: Path) -> None:
    """Run the examples of a page in the current folder, which should be empty.

    Raises:
        SybilFailure: An example prints something else than the page says.
    """
    for example in examples_of(page):
        example.evaluate()


def all_pages() -> list[Path]:
    """Return the pages that have examples."""
    return [page for page in sorted(PAGES.rglob("*.md")) if list(examples_of(page))]


def _run_python(example: Example) -> None:
    code = compile("\n" * example.line + example.parsed, example.path, "exec")
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(code, example.namespace)  # noqa: S102 - the code of this project's pages
    example.namespace[_PRINTED] = printed.getvalue()


def _write_file(example: Example) -> None:
    name = cast("Mapping[str, str]", example.region.lexemes["options"])["caption"]
    Path(name).write_text(example.parsed, encoding="utf-8")


def _check_printed(example: Example) -> str:
    return _difference(example.parsed, example.namespace.pop(_PRINTED))


def _run_commands(example: Example) -> str:
    text = f"\n{example.parsed}"
    for command, _, expected in (part.partition("\n") for part in text.split("\n$ ")[1:]):
        printed = _output_of(command)
        if difference := _difference(f"{expected.rstrip()}\n" if expected.strip() else "...", printed):
            return f"$ {command}\n{difference}"
    return ""


def _output_of(command: str) -> str:
    # Commands such as python and pytest are those of the environment in which the tests run.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    done = subprocess.run(  # noqa: S603 - the commands of this project's pages
        shlex.split(command),
        env={**os.environ, "PATH": path, "PYTHONPATH": str(PAGES.parent), "COLUMNS": "80"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    return done.stdout


def _difference(expected: str, printed: str) -> str:
    checker = doctest.OutputChecker()
    if checker.check_output(expected, printed, doctest.ELLIPSIS):
        return ""
    return checker.output_difference(doctest.Example("", expected), printed, doctest.ELLIPSIS)


def _blocks(language: str, evaluate: Callable[[Example], str | None]) -> AbstractCodeBlockParser:
    fenced = FencedCodeBlockLexer(".+", mapping={"language": "arguments", "source": "source"})
    return AbstractCodeBlockParser([fenced, DirectiveInHTMLCommentLexer("check", ".+")], language, evaluate)


_SYBIL: Final = Sybil(
    [
        _blocks("python", _run_python),
        _blocks("text", _check_printed),
        _blocks("console", _run_commands),
        AbstractCodeBlockParser([DirectiveLexer("code-block", ".+")], "python", _write_file),
        AbstractCodeBlockParser([DirectiveLexer("code-block", ".+")], "ini", _write_file),
    ]
)
