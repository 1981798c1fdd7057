"""What the README and the guides show can be run, and does what they say."""

import re
from pathlib import Path

import pytest

from tests.documents import (
    PAGES,
    ROOT,
    free_port,
    on_port,
    programs,
    run_script,
    runnable_script,
    unknown_marks,
)

SCRIPTS = {page: runnable_script(page.read_text(encoding="utf-8")) for page in PAGES}
PAGES_WITH_SCRIPTS = [page for page, script in SCRIPTS.items() if script.strip()]


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_block_marked_for_running_is_marked_correctly(page: Path) -> None:
    assert unknown_marks(page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_program_is_valid_python(page: Path) -> None:
    for name, code in programs(page.read_text(encoding="utf-8")).items():
        compile(code, name, "exec")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_within_the_repository_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[\w-]+)?\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


class TestReader:
    """The reader of pages finds what it should, and notices what is wrong."""

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

    @pytest.mark.parametrize("mark", ["runable", "runnable ", "program=", "programs=a.py"])
    def test_a_misspelt_mark_is_noticed(self, mark: str) -> None:
        assert unknown_marks(f"```python {mark}\nx = 1\n```\n") == [mark]


@pytest.mark.integration
@pytest.mark.parametrize("page", PAGES_WITH_SCRIPTS, ids=name_of)
def test_runnable_blocks_run_and_print_what_they_promise(page: Path) -> None:
    promised, printed = run_script(on_port(SCRIPTS[page], free_port()), name_of(page))
    assert printed == promised
