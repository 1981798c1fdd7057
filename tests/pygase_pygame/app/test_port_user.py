"""The program that uses a port is named if the system reports it, and nothing breaks otherwise."""

import os
import socket
import sys
from pathlib import Path

import pytest

from pygase_pygame.app.port_user import user_of_port

TABLE = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt uid timeout inode ref pointer
  77: 0100007F:1DF0 00000000:0000 07 00000000:00000000 00:00000000 00000000  1000        0 4242 2 0000000000000000 0
"""


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "udp").write_text(TABLE)
    (tmp_path / "123" / "fd").mkdir(parents=True)
    (tmp_path / "123" / "cmdline").write_bytes(b"/usr/bin/python\0-m\0games.pong\0host\0")
    os.symlink("socket:[4242]", tmp_path / "123" / "fd" / "5")
    (tmp_path / "99").mkdir()
    return tmp_path


@pytest.mark.skipif(os.name != "posix", reason="needs links")
def test_the_program_that_has_the_port_is_named(proc: Path) -> None:
    assert user_of_port(7664, proc) == "python -m games.pong host (process 123)"
    assert user_of_port(7665, proc) == ""


@pytest.mark.skipif(os.name != "posix", reason="needs links")
def test_a_wild_command_line_is_shown_tamely(proc: Path) -> None:
    (proc / "123" / "cmdline").write_bytes(b"/bin/x\0" + b"\x1b[31m\xff\n" * 100)
    told = user_of_port(7664, proc)
    assert told.isprintable()
    assert len(told) < 90


def test_where_nothing_can_be_known_nothing_is_told(tmp_path: Path) -> None:
    assert user_of_port(7664, tmp_path) == ""
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "udp").write_text("rubbish\nrubbish\n")
    assert user_of_port(7664, tmp_path) == ""


@pytest.mark.integration
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere there is no /proc")
def test_this_very_program_is_found() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        assert f"(process {os.getpid()})" in user_of_port(taken.getsockname()[1])
