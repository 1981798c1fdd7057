"""docs/symptoms.md keeps its promises: each link, public name and quoted line of the log exists."""

import ast
import re
from itertools import chain
from pathlib import Path

import pytest

import pygase
import pygase_pygame
from pygase import DisconnectReason
from pygase.timeline.interpolation import PlaybackStats
from tests.support.documents import ROOT, link_targets

PAGE = ROOT / "docs" / "symptoms.md"
TEXT = PAGE.read_text(encoding="utf-8")
ANSWERS = TEXT[TEXT.index("\n## ") :]

OBJECTS = {
    "backend": pygase.Backend,
    "server": pygase.Server,
    "client": pygase.Client,
    "session": pygase_pygame.Session,
    "predictor": pygase.Predictor,
    "history": pygase.StateHistory,
    "browser": pygase.Browser,
    "game_state": pygase.GameState,
    "player_input": pygase.PlayerInput,
    "stats": pygase.ConnectionStats,
    "ClientConfig": pygase.ClientConfig,
    "ServerConfig": pygase.ServerConfig,
}
"""Name of an object or class on the page → the class whose attributes it has."""

INSTANCE_ATTRIBUTES = {"corrections", "last_error"}
"""Attributes that an object gets when it is made, and that its class therefore does not have."""

QUOTES_OF_PYTHON = {"no attribute", "connecting", "lost", "trouble", "predicted", "ping"}
"""Quotes that are no lines of the log: words of Python, of the status and of the net graph."""


def texts_of_the_sources() -> str:
    """Return all texts in the sources of the libraries, with nothing between the parts of a text."""
    files = chain((ROOT / "pygase").rglob("*.py"), (ROOT / "pygase_pygame").rglob("*.py"))
    return "\n".join(chain.from_iterable(texts_in(file) for file in files))


def texts_in(file: Path) -> list[str]:
    """Return the texts of a source file. What an f-string computes is left out."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    joined = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
    plain = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return plain + ["".join(str(getattr(part, "value", "")) for part in node.values) for node in joined]


def spans() -> list[str]:
    """Return what the page shows as code."""
    return re.findall(r"`([^`]+)`", ANSWERS)


def anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def headings(page: Path) -> set[str]:
    return {anchor(text) for text in re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)}


def test_every_link_leads_to_a_heading_that_exists() -> None:
    dead = [
        (target, fragment)
        for target, fragment in link_targets(TEXT)
        if fragment not in headings((PAGE.parent / target) if target else PAGE)
    ]
    assert [link for link in dead if link[1]] == []


def test_every_symptom_is_in_the_table_at_the_top() -> None:
    symptoms = [anchor(text) for text in re.findall(r"^## (.+)$", TEXT, re.MULTILINE)]
    linked = re.findall(r"\]\(#([\w-]+)\)", TEXT[: TEXT.index("\n## ")])
    assert sorted(linked) == sorted(symptoms)


def test_every_quoted_line_of_the_log_is_in_the_sources() -> None:
    known = texts_of_the_sources()
    prose = re.sub(r"`[^`]+`", "", ANSWERS)
    quotes = {" ".join(quote.split()).partition(" (")[0] for quote in re.findall(r'"([^"]+)"', prose)}
    assert len(quotes) > 20
    assert quotes - QUOTES_OF_PYTHON - {quote for quote in quotes if quote in known} == set(), "a message has changed"


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`([A-Z][A-Z_]+)`", ANSWERS))))
def test_every_name_in_capitals_exists(name: str) -> None:
    assert name in DisconnectReason.__members__ or hasattr(pygase, name) or hasattr(pygase_pygame, name)


@pytest.mark.parametrize("name", sorted({found[1] for found in re.finditer(r"`([A-Z][a-z]+[A-Z]\w+)\b", ANSWERS)}))
def test_every_class_exists(name: str) -> None:
    assert hasattr(pygase, name) or hasattr(pygase_pygame, name)


def test_every_attribute_of_an_object_exists() -> None:
    found = {
        pair
        for span in spans()
        for pair in re.findall(r"\b(\w+)\.(\w+)", span)
        if pair[0] in OBJECTS and pair[1] != "py"
    }
    assert len(found) > 25
    missing = [(name, attribute) for name, attribute in found if not hasattr(OBJECTS[name], attribute)]
    assert [pair for pair in missing if pair[1] not in INSTANCE_ATTRIBUTES] == []


def test_every_setting_of_a_config_exists() -> None:
    named = re.findall(r"(ServerConfig|ClientConfig)\(([^)]*)\)", ANSWERS)
    settings = [(config, setting) for config, inner in named for setting in re.findall(r"(\w+)=", inner)]
    assert settings
    assert [pair for pair in settings if not hasattr(OBJECTS[pair[0]], pair[1])] == []


def test_the_net_graph_has_the_lines_that_the_page_names() -> None:
    adapter = (ROOT / "docs" / "adapter.md").read_text(encoding="utf-8")
    for line in ("lost", "trouble", "predicted", "ping"):
        assert f"| {line} |" in adapter
    assert {"stalls", "bridged_frames"} <= set(PlaybackStats.__dataclass_fields__)
