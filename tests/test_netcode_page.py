"""The page for people who know netcode: its settings, figures and modules are those of the project."""

import ast
import math
import re
from dataclasses import fields

import pytest

from pygase import ClientConfig, ServerConfig
from pygase.config import ConnectionConfig
from tests.support.documents import ROOT

PAGE = (ROOT / "docs" / "netcode.md").read_text(encoding="utf-8")
SETTING = re.compile(r"^\| `(\w+)` \| `([^`]+)` \| .{10,} \|$", re.MULTILINE)
FIGURE = re.compile(r"^\|.*\| \*\*(.+?)\*\*.*\| \[.*?\]\((\S+?)(?:#\S+)?\) \|$", re.MULTILINE)


def section(title: str) -> str:
    _, found, rest = PAGE.partition(f"\n{title}\n")
    assert found, title
    return re.split(r"^##", rest, maxsplit=1, flags=re.MULTILINE)[0]


@pytest.mark.parametrize(
    ("title", "config", "already"),
    [
        ("### Both ends: `ServerConfig` and `ClientConfig`", ConnectionConfig, ()),
        ("### `ClientConfig`", ClientConfig, fields(ConnectionConfig)),
        ("### `ServerConfig`", ServerConfig, fields(ConnectionConfig)),
    ],
)
def test_each_setting_is_there_with_its_default(title: str, config: type, already: tuple[object, ...]) -> None:
    known = {field.name for field in fields(ConnectionConfig)} if already else set()
    defaults = {field.name: field.default for field in fields(config) if field.name not in known}
    rows = dict(SETTING.findall(section(title)))
    assert {name: math.inf if text == "math.inf" else ast.literal_eval(text) for name, text in rows.items()} == defaults


def test_each_figure_stands_on_the_page_that_it_is_from() -> None:
    figures = FIGURE.findall(section("## Figures"))
    assert len(figures) == section("## Figures").count("\n|") - 2
    for figure, page in figures:
        words = " ".join((ROOT / "docs" / page).read_text(encoding="utf-8").split())
        assert figure in words, page


def test_each_module_that_it_names_exists() -> None:
    modules = re.findall(r"`(pygase(?:_pygame)?/[\w./]+)`", PAGE)
    assert len(modules) > 50
    assert [module for module in modules if not (ROOT / module).is_file()] == []
