import pytest

from docs.draw_figures import DRAWINGS, FIGURES


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_figure_shows_what_was_measured(name: str) -> None:
    assert (FIGURES / name).read_text(encoding="utf-8") == DRAWINGS[name](), "run python -m docs.draw_figures"


def test_every_figure_of_the_site_is_drawn_by_the_script() -> None:
    assert {path.name for path in FIGURES.iterdir()} == set(DRAWINGS)
