"""Looks at the site in a headless Chromium: `python -m docs.look build/site FOLDER`.

It searches, and takes pictures of some pages at the width of a phone and of a desktop, light and dark, for a person to
look at. It needs the command ``chromium``, and is not a part of the tests.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

PAGES: Final = (
    *("index", "start", "tutorial", "how-to/errors", "how-to/webhooks", "explanation/pacing"),
    *("explanation/mechanisms", "reference/operations", "reference/client", "reference/calls"),
    *("command-line", "changelog", "genindex"),
)
SEARCHES: Final[Mapping[str, str]] = {
    "429": "how-to/errors.html#index-0",
    "cool-down": "explanation/pacing.html",
    "throttling": "explanation/pacing.html#index-0",
    "webhook": "how-to/webhooks.html",
    "wait_until_registered": "reference/sip.html#ultravox.sip.registrations.wait_until_registered",
}
"""What somebody may look for, and what has to be among the results."""

_SIZES: Final = {"phone": "390,844", "desktop": "1280,900"}
_SCHEMES: Final = {"light": 1, "dark": 0}
_QUIET: Final = (
    *("--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--hide-scrollbars"),
    # The pages are our own, and containers often run as root, where the sandbox does not start.
    *("--no-sandbox", "--disable-component-update", "--disable-sync", "--disable-quic"),
)


def browse(url: str, *options: str) -> str:
    """Open a page, and return what the browser prints."""
    program = shutil.which("chromium")
    if program is None:
        raise SystemExit("the command chromium is not installed")
    with tempfile.TemporaryDirectory() as profile:
        return subprocess.run(  # noqa: S603 - a browser, with arguments from here
            [program, *_QUIET, f"--user-data-dir={profile}", *options, url],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout


def results(site: Path, words: str) -> Sequence[str]:
    """Search, and return the addresses of the results."""
    page = browse(f"{site.resolve().as_uri()}/search.html?q={words}", "--virtual-time-budget=8000", "--dump-dom")
    # Before this, there are the links of the navigation.
    found = page.partition('id="search-results"')[2].partition("</article>")[0]
    return re.findall(r'href="([^"]+)"', found)


def main(argv: Sequence[str] | None = None) -> int:
    """Search, take the pictures, and return the exit code."""
    site, folder = map(Path, sys.argv[1:] if argv is None else argv)
    address = site.resolve().as_uri()
    missing = [
        f"{words} does not lead to {page}" for words, page in SEARCHES.items() if page not in results(site, words)
    ]
    folder.mkdir(parents=True, exist_ok=True)
    for page in PAGES:
        for size, pixels in _SIZES.items():
            for scheme, number in _SCHEMES.items():
                picture = folder / f"{page.replace('/', '-')}-{size}-{scheme}.png"
                options = (f"--window-size={pixels}", f"--blink-settings=preferredColorScheme={number}")
                browse(f"{address}/{page}.html", *options, f"--screenshot={picture}")
    sys.stdout.write("".join(f"{problem}\n" for problem in missing))
    sys.stdout.write(f"{len(SEARCHES)} searches, {len(missing)} in vain; the pictures are in {folder}\n")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
