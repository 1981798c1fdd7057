"""docs/api and the list of modules in docs/architecture.md are complete, and are what docs/make_api.py makes today."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import pygase

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def make_api() -> Iterator[ModuleType]:
    sys.path.insert(0, str(DOCS))
    try:
        yield importlib.import_module("make_api")
    finally:
        sys.path.remove(str(DOCS))


@pytest.fixture
def project(make_api: ModuleType, tmp_path: Path) -> ModuleType:
    """Make a project of one module, to be described; return the module that describes it."""
    (tmp_path / "tools.py").write_text(TOOLS, encoding="utf-8")
    sources = sys.modules["api_sources"].Sources(tmp_path)
    page = ModuleType("page")
    page.entry = lambda name: sys.modules["api_pages"].entry(sources, name)  # type: ignore[attr-defined]
    return page


TOOLS = '''
import enum
from typing import Final, NamedTuple

LIMIT: Final = 3
"""Most tools at a time."""

class Base:
    """Holds things."""

    def hold(self, what: str, *, tightly: bool = False) -> "Base":
        """Hold ``what``, as :meth:`drop` lets go of it.

        :param what: a thing, which
            may be long.
        :raises TypeError, ValueError: if it is none.
        :returns: itself.
        """

class Tool(Base):
    """A tool::

        Tool(3).hold("hammer")

    :param size: metres.
    """

    colour: str = "red"
    """Its colour."""

    def __init__(self, size: float) -> None:
        self.size = size
        """Metres."""
        self._secret = 1

    @property
    def weight(self) -> float:
        """Kilograms."""

    def _hidden(self) -> None: ...

class Pair(NamedTuple):
    """Two.

    :ivar left: the first.
    """

    left: int
    right: int = 0

def make(first, /, *rest: int, last=None, **others) -> Tool:
    """Make one."""
'''


class TestPages:
    def test_every_public_name_stands_on_a_page(self, make_api: ModuleType) -> None:
        assert make_api.missing(make_api.Sources(ROOT)) == []

    def test_what_users_import_is_what_the_sources_export(self, make_api: ModuleType) -> None:
        sources = make_api.Sources(ROOT)
        assert sorted(sources.exported("pygase")) == sorted(pygase.__all__)
        assert make_api.missing(sources) == []

    def test_the_pages_are_current(self, make_api: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
        """If this fails: run `python docs/make_api.py`, and look at what it changed."""
        assert make_api.main(["--check"]) == 0, capsys.readouterr().out

    def test_every_public_name_has_a_docstring(self, make_api: ModuleType) -> None:
        sources = make_api.Sources(ROOT)
        names = [name for topic in make_api.TOPICS for name in topic.names]
        assert [name for name in names if not sources.find(name).doc] == []

    @pytest.mark.parametrize("package", ["pygase", "pygase_pygame"])
    def test_architecture_lists_every_module(self, package: str) -> None:
        listed = (DOCS / "architecture.md").read_text(encoding="utf-8").partition("## Every module in a line")[2]
        for file in (ROOT / package).rglob("*.py"):
            folder = file.parent.relative_to(ROOT).as_posix()
            name = folder.replace("/", ".") if file.stem == "__init__" else file.stem
            room = listed.partition(f"### {folder}\n")[2].partition("\n### ")[0]
            assert f"- `{name.rpartition('.')[2]}`: " in room, f"{file} is missing"

    def test_every_page_links_to_pages_that_exist(self) -> None:
        for page in DOCS.glob("api/*.md"):
            for target in page.read_text(encoding="utf-8").split("](")[1:]:
                file = target.partition(")")[0].partition("#")[0]
                assert "//" in file or (page.parent / file).exists(), f"{page}: {file}"


class TestGenerator:
    def test_a_name_without_a_topic_is_noticed(self, make_api: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(make_api, "TOPICS", make_api.TOPICS[1:])
        assert "pygase.Backend" in make_api.missing(make_api.Sources(ROOT))

    def test_a_function_has_its_signature(self, project: ModuleType) -> None:
        assert "make(first, /, *rest: int, last=None, **others) -> Tool" in project.entry("tools.make")

    def test_a_constant_has_its_value_and_its_docstring(self, project: ModuleType) -> None:
        assert "LIMIT: Final = 3" in project.entry("tools.LIMIT")
        assert "Most tools at a time." in project.entry("tools.LIMIT")

    def test_a_class_has_its_members_and_those_it_inherits(self, project: ModuleType) -> None:
        text = project.entry("tools.Tool")
        for expected in (
            "class Tool(Base)\nTool(size: float)",
            "- `size`: metres.",
            '### Tool.colour\n\n```python\ncolour: str = "red"\n```\n\nIts colour.',
            "### Tool.size\n\n```python\nsize\n```\n\nMetres.",
            "### Tool.weight\n\n```python\nweight: float\n```\n\nKilograms.",
            "hold(what: str, *, tightly: bool = False) -> ",
        ):
            assert expected in text
        assert "_hidden" not in text
        assert "_secret" not in text

    def test_fields_and_roles_become_markdown(self, project: ModuleType) -> None:
        text = project.entry("tools.Base")
        assert "Hold `what`, as `drop` lets go of it." in text
        assert "**Parameters**\n\n- `what`: a thing, which may be long." in text
        assert "**Raises**\n\n- `TypeError`, `ValueError`: if it is none." in text
        assert "**Returns**\n\n- itself." in text

    def test_an_example_becomes_a_block_of_code(self, project: ModuleType) -> None:
        assert 'A tool:\n\n```python\nTool(3).hold("hammer")\n```' in project.entry("tools.Tool")

    def test_a_named_tuple_shows_its_fields(self, project: ModuleType) -> None:
        text = project.entry("tools.Pair")
        assert "class Pair(NamedTuple):\n    left: int\n    right: int = 0" in text
        assert "**Attributes**\n\n- `left`: the first." in text
