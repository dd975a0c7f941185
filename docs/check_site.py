"""Checks the pages that were built: `python -m docs.check_site build/site`.

No link within the site may be dead, and no page may load anything from another host.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urldefrag, urlsplit

import attrs

# What a browser loads without being asked. A link that a reader follows may lead anywhere.
_LOADED: Final = {
    "audio": "src",
    "embed": "src",
    "iframe": "src",
    "image": "href",
    "img": "src",
    "input": "src",
    "link": "href",
    "object": "data",
    "script": "src",
    "source": "src",
    "use": "href",
    "video": "src",
}
_IN_STYLES: Final = re.compile(r"""url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""")


@attrs.define
class Page:
    """What is in a page."""

    ids: set[str] = attrs.field(factory=set[str])
    links: list[str] = attrs.field(factory=list[str])
    loaded: list[str] = attrs.field(factory=list[str])


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = Page()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.page.ids.update(values[name] for name in ("id", "name") if name in values)
        if tag == "a" and "href" in values:
            self.page.links.append(values["href"])
        # The search engines' links, rel="search" and so on, are not loaded, but are held to the same.
        if tag in _LOADED and values.get(_LOADED[tag]):
            self.page.loaded.append(values[_LOADED[tag]])
        self.page.loaded += loaded_by_style(values.get("style", ""))

    def handle_data(self, data: str) -> None:
        self.page.loaded += loaded_by_style(data) if self.lasttag == "style" else []


def loaded_by_style(style: str) -> list[str]:
    """Return the addresses that a style sheet loads."""
    return [first or second for first, second in _IN_STYLES.findall(style)]


def read(path: Path) -> Page:
    """Return what is in a page."""
    reader = _Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    return reader.page


def problems(site: Path) -> Iterator[str]:
    """Yield what is wrong with the pages and the style sheets below a folder."""
    pages = {path.resolve(): read(path) for path in sorted(site.rglob("*.html"))}
    if not pages:
        yield f"{site} has no pages"
    for path, page in pages.items():
        shown = path.relative_to(site.resolve())
        yield from (f"{shown} loads {url}" for url in page.loaded if _is_elsewhere(url))
        yield from (f"{shown} loads {url}, which is not there" for url in page.loaded if _is_missing(path, url))
        dead = [link for link in page.links if _is_dead(path, link, pages)]
        yield from (f"{shown} links to {link}, which is not there" for link in dead)
    for path in sorted(site.rglob("*.css")):
        style = path.read_text(encoding="utf-8")
        yield from (f"{path.relative_to(site)} loads {url}" for url in loaded_by_style(style) if _is_elsewhere(url))


def _is_elsewhere(url: str) -> bool:
    parts = urlsplit(url)
    return bool(parts.netloc) or parts.scheme not in {"", "data"}


def _is_missing(page: Path, url: str) -> bool:
    path = urlsplit(url).path
    return bool(path) and not _is_elsewhere(url) and not url.startswith("data:") and not (page.parent / path).exists()


def _is_dead(page: Path, link: str, pages: dict[Path, Page]) -> bool:
    address, fragment = urldefrag(link)
    if urlsplit(address).scheme or urlsplit(address).netloc:
        return False
    target = (page.parent / unquote(urlsplit(address).path)).resolve() if address else page
    if target not in pages:
        return not target.exists()
    # "#" alone is the top of the page.
    return bool(fragment) and unquote(fragment) not in pages[target].ids


def main(argv: Sequence[str] | None = None) -> int:
    """Print what is wrong, and return the exit code."""
    [folder] = sys.argv[1:] if argv is None else argv
    found = list(problems(Path(folder)))
    sys.stdout.write("".join(f"{problem}\n" for problem in found))
    sys.stdout.write(f"{len(list(Path(folder).rglob('*.html')))} pages, {len(found)} problems\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
