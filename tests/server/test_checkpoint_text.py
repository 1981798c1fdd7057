"""`python -m pygase show FILE` prints a checkpoint readably, and says in words why another file is none."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from pygase import CLIENT_CONNECTED, Backend, Client, GameState
from pygase.__main__ import main
from pygase._protocol.saved_peers import SavedPeer
from pygase._server.bots import BotRecord
from pygase._server.checkpoint import Checkpoint, ClientRecord, encode
from pygase._server.checkpoint_text import checkpoint_lines
from pygase.errors import DisconnectReason
from pygase.testing import SimulatedNetwork
from tests.server.test_checkpoint_file import CHECKPOINTS

SECRET = b"never to be shown"


def made(**changes: Any) -> Checkpoint:
    peers = [
        ClientRecord(SavedPeer(1, ("127.0.0.1", 50_000), {"name": "Ada"}, is_host=True, is_sealed=True)),
        ClientRecord(SavedPeer(4, ("::1", 50_001, 0, 2), {}, secrets=(SECRET,)), is_new=True, is_lost=True),
        ClientRecord(SavedPeer(5, ("127.0.0.1", 9), {}), left=DisconnectReason.CLOSED, unhandled=(b"x", b"y")),
    ]
    checkpoint = Checkpoint(
        game="pong",
        tick=12_345,
        time=200.0,
        game_time=205.75,
        wall_time=1_700_000_000.0,
        interval=1 / 60,
        ids_below=6,
        reset_key=SECRET,
        identity=SECRET,
        bans=(3, "10.0.0.0/8"),
        state={"ball": {"x": 1.5, "y": -2.0}, "players": {1: {"name": "Ada", "tags": ["a", "b"]}, 4: {}}, "winner": ""},
        clients=tuple(peers),
    )
    return checkpoint._replace(**changes)


EXPECTED_LINES = """
checkpoint of the game 'pong'
saved       2023-11-14 22:13:20 UTC
tick        12,345 after 205.8 s of play, 60 ticks a second
next id     6
identity    kept here: invites stay valid
banned      client 3, 10.0.0.0/8

3 clients:
  1: '127.0.0.1' port 50000, connected, host, encrypted
    profile:
      name: 'Ada'
  4: '::1' port 50001, lost, new: the game has not handled its CLIENT_CONNECTED
  5: '127.0.0.1' port 9, left, 2 events of it not handled

state:
  ball: {'x': 1.5, 'y': -2.0}
  players:
    1:
      name: 'Ada'
      tags: ['a', 'b']
    4: {}
  winner: ''
""".strip()


def test_a_checkpoint_is_read_by_people() -> None:
    assert "\n".join(checkpoint_lines(made())) == EXPECTED_LINES


def test_the_end_of_time_and_names_full_of_tricks_do_no_harm() -> None:
    state = {"\x1b[31m": "\x1b]0;title\x07", "long": "a" * 10_000, "b": b"\x00" * 5_000, "": 1, "a:b": list(range(200))}
    text = "\n".join(checkpoint_lines(made(wall_time=1e300, interval=0.0, game="\n", state=state, bans=())))
    assert "\x1b" not in text
    assert "s after 1970" in text
    assert "(10,000 letters)" in text
    assert max(map(len, text.splitlines())) < 2_500


@given(CHECKPOINTS)
def test_whatever_the_checkpoint_it_is_shown_without_its_secrets(checkpoint: Checkpoint) -> None:
    text = "\n".join(checkpoint_lines(checkpoint._replace(reset_key=SECRET, identity=SECRET)))
    assert SECRET.decode() not in text
    assert text.isprintable() or all(line.isprintable() for line in text.split("\n"))


def test_the_file_of_a_real_game_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "game.checkpoint"

    def enter(client_id: int, profile: dict[str, Any]) -> dict[str, Any]:
        return {"players": {client_id: {"name": profile["name"], "x": 7}}}

    backend = Backend(
        GameState(players={}), lambda game_state, dt: {}, {CLIENT_CONNECTED: enter}, game="race", checkpoint=path
    )
    network = SimulatedNetwork(seed=1)
    network.serve(backend, interval=0.02)
    network.connect(Client(game="race"), profile={"name": "Bob"})
    network.run(3.0)
    backend.shutdown()
    network.run(1.0)
    assert main(["show", str(path)]) == 0
    printed = capsys.readouterr().out
    assert "checkpoint of the game 'race'" in printed
    assert "players:" in printed
    assert "    1: {'name': 'Bob', 'x': 7}" in printed


def changed(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (lambda data: data[: len(data) // 2], "is cut off or mixed with another file: it has"),
        (lambda data: data[:9], "is cut off: it has 9 bytes"),
        (lambda data: changed(data, 100), "is damaged: its bytes do not match their checksum"),
        (lambda data: b"# my notes\n" * 20, "is no checkpoint of PyGaSe: it begins with b'# my notes"),
        (lambda data: b"", "is no checkpoint of PyGaSe"),
        (
            lambda data: changed(data, 9),
            "has the version 0 of the form of checkpoints, and this PyGaSe reads version 1",
        ),
    ],
    ids=["torn", "torn early", "damaged", "foreign", "empty", "another version"],
)
def test_another_file_is_refused_in_words(
    content: Any, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a file"
    path.write_bytes(content(encode(made())))
    before = path.read_bytes()
    assert main(["show", str(path)]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith(f"{path} {words}")
    assert path.read_bytes() == before


def test_a_newer_file_names_its_version_and_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "newer"
    data = encode(made())
    path.write_bytes(data[:8] + b"\x00\x09" + data[10:])
    assert main(["show", str(path)]) == 1
    assert "has the version 9" in (said := capsys.readouterr().err)
    assert "run it with the PyGaSe that has written it" in said


def test_a_missing_file_and_a_folder_are_refused_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", str(tmp_path / "none")]) == 1
    assert capsys.readouterr().err.startswith("there is no file ")
    assert main(["show", str(tmp_path)]) == 1
    assert "cannot be read" in capsys.readouterr().err


@pytest.mark.integration
def test_as_a_program_it_prints_ends_and_bears_a_reader_who_has_enough(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(encode(made(state={"things": {number: {"x": [1.0, [2]]} for number in range(20_000)}})))
    command = [sys.executable, "-m", "pygase", "show", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        assert program.stdout.readline() == "checkpoint of the game 'pong'\n"
        program.stdout.close()
        assert program.stderr.read() == ""
        assert program.wait(timeout=60) == 0
    assert os.path.getsize(path) > 100_000


def test_bots_stand_behind_the_clients() -> None:
    lines = list(checkpoint_lines(made(bots=(BotRecord(6, 100, (b"\x05",) * 12),))))
    assert lines[lines.index("state:") - 2] == "  6: a bot, which has planned 12 ticks"
