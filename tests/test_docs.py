"""The code in the README and the guides runs, and does what the text promises."""

import re
from pathlib import Path

import pytest

from tests.support.documents import (
    PAGES,
    ROOT,
    RUN_BY,
    fragments,
    free_port,
    on_port,
    programs,
    run_script,
    runnable_script,
    unmarked_blocks,
)

SCRIPTS = {page: runnable_script(page.read_text(encoding="utf-8")) for page in PAGES}
PAGES_WITH_SCRIPTS = [page for page, script in SCRIPTS.items() if script.strip()]


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_block_that_looks_like_a_program_is_marked_as_what_it_is(page: Path) -> None:
    assert unmarked_blocks(page.read_text(encoding="utf-8")) == []


def test_every_program_is_run_by_a_test() -> None:
    on_pages = {(name_of(page), name) for page in PAGES for name in programs(page.read_text(encoding="utf-8"))}
    assert set(RUN_BY) == on_pages
    for (_, name), test in RUN_BY.items():
        assert f'["{name}"]' in (ROOT / test).read_text(encoding="utf-8"), f"{test} does not run {name}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_fragment_is_valid_python(page: Path) -> None:
    for number, code in enumerate(fragments(page.read_text(encoding="utf-8"))):
        compile(code, f"{name_of(page)}, fragment {number}", "exec")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_within_the_repository_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[\w-]+)?\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


class TestReader:
    """The reader of pages finds the code blocks, and reports mistakes."""

    PAGE = (
        "# Title\n```python runnable\nx = 1\n```\ntext\n"
        "```python\nnot run\n```\n```python runnable\nprint(x)  # -> 1\n```\n"
    )

    def test_blocks_of_a_page_share_their_names_and_only_marked_ones_run(self) -> None:
        assert run_script(runnable_script(self.PAGE), "page") == (["1"], ["1"])

    def test_other_output_than_promised_is_noticed(self) -> None:
        promised, printed = run_script(runnable_script(self.PAGE.replace("x = 1", "x = 2")), "page")
        assert promised != printed

    def test_an_error_names_the_line_of_the_page(self) -> None:
        with pytest.raises(ZeroDivisionError) as caught:
            run_script(runnable_script(self.PAGE.replace("print(x)", "1 / 0")), "page")
        assert caught.traceback[-1].lineno + 1 == 10

    def test_programs_are_found_by_name(self) -> None:
        assert programs("```python program=a.py\nx = 8080\n```\n") == {"a.py": "x = 8080\n"}

    @pytest.mark.parametrize(
        "fence", ["```python", "```", "```py", "~~~python", "```python runable", "```python runnable extra", "```pycon"]
    )
    def test_a_block_without_a_mark_or_with_a_misspelt_one_is_noticed(self, fence: str) -> None:
        closing = fence[:3]
        assert unmarked_blocks(f"text\n\n{fence}\nx = 1\n{closing}\n") == [fence]
        assert unmarked_blocks(f"- in a list:\n\n  {fence}\n  x = 1\n  {closing}\n") == [f"  {fence}"]

    @pytest.mark.parametrize("mark", ["python runnable", "python fragment", "python program=a.py", "hex", "diff"])
    def test_a_block_with_a_mark_passes(self, mark: str) -> None:
        assert unmarked_blocks(f"```{mark}\nimport this\n```\n") == []

    @pytest.mark.parametrize("code", ["import pygame", "from a import b", "def f():", "class A:", "for x in y:"])
    def test_a_program_cannot_hide_by_indentation(self, code: str) -> None:
        assert unmarked_blocks(f"text\n\n    {code}\n        pass\n\ntext\n") == [code]

    def test_commands_for_a_terminal_need_no_mark(self) -> None:
        assert unmarked_blocks("text\n\n    pip install -e . && python -m games.pong host\n\ntext\n") == []

    def test_fragments_are_found(self) -> None:
        assert fragments("```python fragment\nx = y\n```\n```python runnable\nz = 1\n```\n") == ["x = y\n"]


@pytest.mark.integration
@pytest.mark.parametrize("page", PAGES_WITH_SCRIPTS, ids=name_of)
def test_runnable_blocks_run_and_print_what_they_promise(page: Path) -> None:
    promised, printed = run_script(on_port(SCRIPTS[page], free_port()), name_of(page))
    assert printed == promised
