import re

from tests.examples.example_scripts import EXAMPLES

_TABLE = (EXAMPLES / "README.md").read_text(encoding="utf-8")


def test_each_example_is_in_the_table() -> None:
    listed = re.findall(r"^\| \[(.+?)/?\]\(", _TABLE, re.MULTILINE)
    there = [entry.name for entry in EXAMPLES.iterdir() if entry.name not in {"README.md", "__pycache__"}]
    assert len(there) >= 8
    assert sorted(listed) == sorted(there)


def test_the_table_links_to_and_runs_files_that_exist() -> None:
    named = re.findall(r"\]\((.+?)\)", _TABLE) + re.findall(r"python examples/([\w/]+\.py)", _TABLE)
    assert len(named) >= 14
    assert [name for name in named if not (EXAMPLES / name).is_file()] == []
