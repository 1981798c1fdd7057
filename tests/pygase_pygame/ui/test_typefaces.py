"""Any text is readable: by the font that is installed, by one of the system's, or in other words. Never boxes."""

from itertools import product
from pathlib import Path

import pygame
import pytest

from pygase import Client
from pygase_pygame import NetGraph, Session
from pygase_pygame.app.extras import GRAPH_OPACITY
from pygase_pygame.ui import banner, palette, typefaces
from pygase_pygame.ui.lettering import SMALLEST, Lettering
from pygase_pygame.ui.palette import mixed
from tests.pygase_pygame.ui.test_palette import contrast

WHITE = (255, 255, 255)


@pytest.fixture(autouse=True)
def _fonts() -> None:
    pygame.font.init()


@pytest.fixture
def no_system_font(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typefaces, "system_fonts", lambda: ())


def shown(text: str) -> str:
    face = typefaces.Typeface(20)
    return "".join(face.place_of(character)[1] for character in text)


@pytest.mark.usefixtures("no_system_font")
@pytest.mark.parametrize("text", ["Zoë Åse Łukasz", "Ωραία Привет", "½ · × … “quotes” – → ✓ ♥ ★ ♪", "Việt Nam"])
def test_the_font_has_the_letters_of_europe_and_the_usual_signs(text: str) -> None:
    assert shown(text) == text


@pytest.mark.usefixtures("no_system_font")
def test_without_a_system_font_text_is_put_in_other_words() -> None:
    assert shown("\uff21\uff22\uff23") == "ABC"  # of double width
    assert shown("a🧀b") == "a[cheese wedge]b"
    assert shown("中") == "?"
    lettering = Lettering()
    assert lettering.line("a🧀中", 20).get_size() == lettering.line("a[cheese wedge]?", 20).get_size()
    assert lettering.width("a🧀中", 20) == lettering.width("a[cheese wedge]?", 20)


def test_a_system_font_draws_what_the_first_one_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    other = pygame.font.match_font("dejavuserif, notosansmono, dejavusansmono, arial")
    if other is None:
        pytest.skip("this system has none of these fonts")
    monkeypatch.setattr(typefaces, "FONT", str(Path(pygame.__file__).parent / pygame.font.get_default_font()))
    monkeypatch.setattr(typefaces, "system_fonts", lambda: (other,))
    face = typefaces.Typeface(30)
    lacking = next(sign for sign in "ѫӜԀ⅓∰≭" if face.place_of(sign)[0])
    assert face.place_of(lacking) == (other, lacking)
    assert face.place_of("é") == ("", "é")
    assert face.render(f"a{lacking}b", WHITE).get_width() == face.width(f"a{lacking}b") > face.width("ab")


@pytest.mark.parametrize("size", [SMALLEST, 15, 17, 20, 40, 200])
def test_text_has_the_size_that_it_measures_and_the_one_that_it_is_given(size: int) -> None:
    lettering = Lettering()
    line = lettering.line("ping 20 ms", size)
    assert line.get_width() == lettering.width("ping 20 ms", size)
    assert line.get_height() == lettering.height(size)
    assert 0.7 * size <= line.get_height() <= 1.1 * size


def test_letters_of_small_text_do_not_run_together() -> None:
    """Between the dotless parts of "i" and "n" there is a column that is much darker than the letters."""
    line = Lettering().line("ping", 14)
    columns = [sum(line.get_at((x, y))[3] for y in range(line.get_height())) for x in range(line.get_width())]
    gaps = [x for x in range(1, len(columns) - 1) if columns[x] < 0.35 * max(columns)]
    assert len([x for x in gaps if x + 1 not in gaps]) >= 3


def test_fonts_survive_the_end_of_pygame_and_its_next_beginning() -> None:
    lettering = Lettering()
    lettering.line("é中", 20)
    pygame.quit()
    assert lettering.line("é中", 20).get_width() > 0


TEXTS = [palette.WHITE, palette.GREY, palette.ORANGE, palette.YELLOW, palette.SKY]
GROUNDS = [palette.NIGHT, palette.FIELD, palette.FLOOR]


@pytest.mark.parametrize(("text", "ground"), list(product(TEXTS, GROUNDS)))
def test_text_has_a_contrast_of_4_5_on_every_ground_of_the_shell(text: palette.Colour, ground: palette.Colour) -> None:
    assert contrast(text, ground) >= 4.5


def test_so_have_the_band_of_trouble_and_the_button_with_the_focus() -> None:
    for ground in banner.BACKGROUNDS.values():
        assert contrast(palette.WHITE, ground) >= 4.5
    assert contrast(palette.NIGHT, palette.SKY) >= 4.5


def test_the_network_graph_is_translucent_and_its_text_has_that_contrast_even_on_white() -> None:
    surface = pygame.Surface((400, 300))
    surface.fill((255, 255, 255))
    client = Client()
    place = NetGraph(Session(client), visible=True, opacity=GRAPH_OPACITY).draw(surface)
    assert place is not None
    behind = surface.get_at((place.right - 4, place.top + 4))[:3]
    assert behind != palette.NIGHT
    assert contrast(mixed(palette.GREY, (255, 255, 255), 39 / 255), behind) >= 4.5
