from pathlib import Path

import pytest

from docs.check_site import main, problems


def site(folder: Path, **pages: str) -> Path:
    for name, body in pages.items():
        (folder / f"{name}.html").write_text(f"<html><body>{body}</body></html>", encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    "link",
    ["gone.html", "other.html#gone", "#gone", "folder/gone.png"],
)
def test_a_dead_link_is_found(tmp_path: Path, link: str) -> None:
    pages = site(tmp_path, index=f'<a href="{link}">a link</a>', other="")
    assert list(problems(pages)) == [f"index.html links to {link}, which is not there"]


def test_links_to_what_is_there_and_to_other_sites_are_no_problem(tmp_path: Path) -> None:
    links = ("other.html", "other.html#here", "#", "https://example.com/gone", "mailto:ann@example.com")
    body = "".join(f'<a href="{link}">a link</a>' for link in links)
    assert list(problems(site(tmp_path, index=body, other='<p id="here">'))) == []


@pytest.mark.parametrize(
    "body",
    [
        '<script src="https://cdn.example/x.js"></script>',
        '<img src="//cdn.example/x.js">',
        '<link rel="stylesheet" href="https://cdn.example/x.js">',
        '<style>@import "https://cdn.example/x.js";</style>',
        '<p style="background: url(https://cdn.example/x.js)">',
        '<iframe src="http://cdn.example/x.js"></iframe>',
    ],
)
def test_what_comes_from_another_host_is_found(tmp_path: Path, body: str) -> None:
    [problem] = problems(site(tmp_path, index=body))
    assert problem.startswith("index.html loads ")
    assert "//cdn.example/x.js" in problem


def test_a_font_from_another_host_is_found_in_a_style_sheet(tmp_path: Path) -> None:
    site(tmp_path, index="")
    (tmp_path / "theme.css").write_text("@font-face { src: url('https://fonts.example/a.woff2'); }", encoding="utf-8")
    assert list(problems(tmp_path)) == ["theme.css loads https://fonts.example/a.woff2"]


def test_an_image_that_is_missing_is_found(tmp_path: Path) -> None:
    assert list(problems(site(tmp_path, index='<img src="a.png">'))) == ["index.html loads a.png, which is not there"]


def test_a_folder_without_pages_is_a_problem(tmp_path: Path) -> None:
    assert main([str(tmp_path)]) == 1


def test_a_site_without_problems_is_a_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(site(tmp_path, index="<p>Hello</p>"))]) == 0
    assert capsys.readouterr().out == "1 pages, 0 problems\n"
