import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
POLICY = (ROOT / "SECURITY.md").read_text("utf-8")
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", POLICY)


def functions_of(path: Path) -> set[str]:
    found = ast.walk(ast.parse(path.read_text("utf-8")))
    return {node.name for node in found if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_test_that_the_policy_names_exists() -> None:
    assert len(NAMED) >= 25
    assert [(path, name) for path, name in NAMED if name not in functions_of(ROOT / path)] == []


def test_every_promise_of_the_policy_names_its_test() -> None:
    promises = [line for line in POLICY.partition("## What is promised")[2].splitlines() if line.startswith("- ")]
    assert len(promises) >= 20
    assert [line for line in promises if not re.search(r"`tests/[\w/]+\.py::test_\w+`$", line)] == []


def test_the_policy_names_no_unattended_address() -> None:
    assert "private security advisory" in POLICY
    assert "@" not in POLICY
