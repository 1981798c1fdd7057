"""`python -m pygase relay` on real sockets: it brings together, forwards, survives a restart, and says goodbye."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pygase.__main__ import main
from pygase._protocol.handshake import Address
from pygase._relay.relay_datagrams import ALIVE, OWN_ROOM, RELAYED, JoinRoom, OpenRoom, of_channel
from tests.support.programs import Program
from tests.support.relaying import Host, Player


class Line:
    """A Carrier: its ends have sockets on the loopback interface, and talk to a real relay."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.sockets: dict[Address, socket.socket] = {}

    def _socket(self) -> Address:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(5.0)
        self.sockets[sock.getsockname()] = sock
        return tuple(sock.getsockname())

    def host(self) -> Host:
        return Host(self, self._socket(), os.urandom(8), secret=b"the room's secret"[:16], meets=False)

    def player(self) -> Player:
        return Player(self, self._socket(), os.urandom(8))

    def deliver(self, data: bytes, sender: Address) -> None:
        self.sockets[sender].sendto(data, ("127.0.0.1", self.port))

    def receive(self, end: Host | Player) -> bytes:
        data = self.sockets[end.address].recv(2048)
        end.receive(data)
        return data

    def close(self) -> None:
        for sock in self.sockets.values():
            sock.close()


class Running:
    """A relay as a process of its own."""

    def __init__(self, folder: Path, *options: str, port: int = 0) -> None:
        secret = str(folder / "relay.secret")
        where = ["--hostname", "127.0.0.1", "--port", str(port), "--secret", secret]
        self.program = Program(command=[sys.executable, "-m", "pygase", "relay", *where, *options])
        line = self.program.read_until("the relay listens at 127.0.0.1:")
        self.port = int(line.partition("127.0.0.1:")[2].partition(",")[0])

    def end(self) -> None:
        self.program.process.kill()
        self.program.process.wait()
        assert self.program.process.stdout is not None
        self.program.process.stdout.close()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path)
    yield running
    running.end()


def opened(line: Line, host: Host) -> str:
    host.send(_opening(host))
    line.receive(host)
    host.send(_opening(host))
    line.receive(host)
    assert host.opened is not None
    return host.opened.code


def _opening(host: Host) -> bytes:
    return OpenRoom(host.request(), host.secret).encode()


def joined(line: Line, player: Player, code: str) -> bytes:
    for _ in range(2):
        player.send(JoinRoom(player.request(), code).encode())
        line.receive(player)
    assert player.joined is not None
    return player.joined.channel


@pytest.mark.integration
class TestProgram:
    def test_it_forwards_logs_one_line_a_room_and_ends_with_a_goodbye(self, running: Running) -> None:
        line = Line(running.port)
        host, player = line.host(), line.player()
        channel = joined(line, player, opened(line, host))
        line.receive(host)
        assert [peer.channel for peer in host.peers] == [channel]
        player.send(of_channel(RELAYED, channel) + b"hello")
        while not host.games:
            line.receive(host)
        assert host.games == [(channel, b"hello")]
        host.close()
        assert line.receive(host)[1:] == OWN_ROOM
        assert "1 player, 0 s, 0.0 MB; closed by its host" in running.program.read_until("room ")
        line.close()

    @pytest.mark.skipif(os.name == "nt", reason="Windows has no signals that another process could handle")
    @pytest.mark.parametrize(("number", "status"), [("SIGTERM", 143), ("SIGINT", 130)])
    def test_a_signal_ends_it_with_a_goodbye(self, running: Running, number: str, status: int) -> None:
        line = Line(running.port)
        host, player = line.host(), line.player()
        channel = joined(line, player, opened(line, host))
        assert running.program.ends(getattr(signal, number)) == status
        while not player.gone:
            line.receive(player)
        assert player.gone == [channel]
        assert "the relay ends" in running.program.read_until("room ")
        assert "Traceback" not in running.program.printed + running.program.read_until("has ended")
        line.close()

    @pytest.mark.skipif(os.name == "nt", reason="Windows has no signals that another process could handle")
    def test_a_restart_keeps_code_and_channel(self, running: Running, tmp_path: Path) -> None:
        line = Line(running.port)
        host, player = line.host(), line.player()
        code = opened(line, host)
        channel = joined(line, player, code)
        assert running.program.ends(signal.SIGKILL) != 0
        again = Running(tmp_path, port=running.port)
        host.send(of_channel(ALIVE, OWN_ROOM))
        while OWN_ROOM not in host.gone:
            line.receive(host)
        host.cookie = player.cookie = None
        assert opened(line, host) == code
        assert joined(line, player, code) == channel
        again.end()
        line.close()


def test_a_key_that_is_too_short_and_a_torn_secret_are_refused_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key, secret = tmp_path / "key", tmp_path / "secret"
    key.write_text("short\n")
    assert main(["relay", "--key", str(key), "--secret", str(secret)]) == 1
    assert "expected a key of at least 16 bytes" in capsys.readouterr().err
    secret.write_bytes(b"torn")
    assert main(["relay", "--secret", str(secret)]) == 1
    assert "expected a relay's secret of 32 bytes" in capsys.readouterr().err


def test_a_port_in_use_is_refused_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = str(sock.getsockname()[1])
        options = ["--hostname", "127.0.0.1", "--port", port, "--secret", str(tmp_path / "secret")]
        assert main(["relay", *options]) == 1
    assert f"port {port} is already in use" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("--port", "99999", "from 0 to 65535"),
        ("--rooms", "0", "from 1 to 1000000"),
        ("--rooms", "many", "from 1 to 1000000"),
        ("--rate", "nan", "from 1200 to 1000000000"),
        ("--rate", "10", "from 1200 to 1000000000"),
    ],
)
def test_a_number_out_of_range_is_refused_in_words(
    option: str, value: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        main(["relay", option, value])
    assert refused.value.code == 2
    assert f"argument {option}: expected a whole number {expected}, got {value!r}" in capsys.readouterr().err
