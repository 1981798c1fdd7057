"""Encryption as a program meets it: settings, invites, the file of an identity, the log, and a Python without it."""

from __future__ import annotations

import logging
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from pygase import (
    Backend,
    CannotEncrypt,
    Client,
    ClientConfig,
    ConnectionFailed,
    DisconnectReason,
    GameState,
    GameStateStore,
    IdentityUnusable,
    InvalidInvite,
    Server,
    ServerConfig,
    parse_invite,
)
from pygase.testing import SimulatedNetwork

needs_cryptography = pytest.mark.skipif(
    subprocess.run([sys.executable, "-c", "import cryptography"], capture_output=True).returncode != 0,
    reason="the package cryptography is not installed",
)


def server(**options: object) -> Server:
    return Server(GameStateStore(GameState()), **options)  # type: ignore[arg-type]


def backend(**options: object) -> Backend:
    return Backend(GameState(n=0), lambda game_state, dt: {"n": game_state.n + 1}, **options)  # type: ignore[arg-type]


class TestSettings:
    @pytest.mark.parametrize("config", [ServerConfig, ClientConfig])
    @pytest.mark.parametrize("value", ["on", None, True, ""])
    def test_other_values_are_refused_with_the_right_ones(self, config: type, value: object) -> None:
        with pytest.raises(ValueError, match=f"{config.__name__}.encryption must be one of 'auto', 'required', 'off'"):
            config(encryption=value)

    def test_invited_only_is_a_bool(self) -> None:
        with pytest.raises(TypeError, match="invited_only must be True or False"):
            ServerConfig(invited_only=1)  # type: ignore[arg-type]

    def test_a_server_for_invited_players_must_be_able_to_encrypt(self) -> None:
        with pytest.raises(CannotEncrypt, match=r"invited_only=True, and .*encryption='off'; write encryption='auto'"):
            server(config=ServerConfig(invited_only=True, encryption="off"))


@needs_cryptography
class TestOnANetwork:
    def test_both_sides_know_whether_it_is_encrypted(self) -> None:
        network, served = SimulatedNetwork(1), backend()
        network.serve(served)
        client, plain = Client(), Client(config=ClientConfig(encryption="off"))
        assert not client.is_encrypted
        network.connect(client)
        network.connect(plain)
        network.run(0.5)
        assert client.is_encrypted
        assert client.connection is not None
        assert client.connection.is_encrypted
        assert not plain.is_encrypted
        assert [each.is_encrypted for each in served.server.clients.values()] == [True, False]

    def test_a_password_works_both_ways(self) -> None:
        for encryption in ("auto", "off"):
            network = SimulatedNetwork(1)
            network.serve(backend(password="sesame"))
            right = Client(password="sesame", config=ClientConfig(encryption=encryption))
            wrong = Client(password="simsim", config=ClientConfig(encryption=encryption))
            network.connect(right)
            network.connect(wrong)
            network.run(0.5)
            assert right.status == "connected"
            assert wrong.disconnect_reason is DisconnectReason.WRONG_PASSWORD


@needs_cryptography
@pytest.mark.integration
class TestInvites:
    def test_a_friend_joins_by_the_text_alone(self) -> None:
        served = backend(password="sesame", config=ServerConfig(invited_only=True))
        served.run_in_thread()
        try:
            invite = served.server.invite()
            client = Client(password="sesame")
            client.connect_in_thread(invite=invite)
            client.wait_until(lambda state: state.n > 2, timeout=10.0)
            assert client.is_encrypted
            assert client.connection is not None
            assert client.connection.remote_address == ("localhost", served.server.port)
            client.disconnect()
            with pytest.raises(ConnectionFailed) as failed:
                Client(password="sesame").connect(served.server.port)
            assert failed.value.reason is DisconnectReason.NOT_INVITED
        finally:
            served.shutdown()

    def test_an_invite_holds_for_all_runs_of_a_server(self) -> None:
        served = server()
        keys = set()
        for _ in range(2):
            served.run_in_thread()
            keys.add(parse_invite(served.invite())[2:])
            served.shutdown()
        assert len(keys) == 1
        other = server()
        other.run_in_thread()
        assert parse_invite(other.invite())[2:] not in keys
        other.shutdown()

    def test_it_has_an_address_that_friends_can_reach_or_the_one_that_is_given(self) -> None:
        served = server()
        with pytest.raises(RuntimeError, match="call it once the server runs"):
            served.invite()
        served.run_in_thread(hostname="0.0.0.0")
        try:
            assert parse_invite(served.invite()).hostname not in ("0.0.0.0", "")
            assert parse_invite(served.invite("game.example")).hostname == "game.example"
            assert parse_invite(served.invite("2001:db8::7")).port == served.port
            with pytest.raises(TypeError, match="address at which friends reach"):
                served.invite(8080)  # type: ignore[arg-type]
        finally:
            served.shutdown()

    def test_without_encryption_it_says_what_to_change(self) -> None:
        with pytest.raises(CannotEncrypt, match="write encryption='auto'"):
            server(config=ServerConfig(encryption="off")).invite()

    def test_a_client_without_port_and_invite_learns_both_ways(self) -> None:
        with pytest.raises(TypeError, match=r"connect\(\) needs a port or an invite"):
            Client().connect()
        with pytest.raises(InvalidInvite, match="is no invite"):
            Client().connect(invite="192.168.1.5:8080")

    def test_an_old_invite_says_so(self) -> None:
        served, old = server(), server()
        old.run_in_thread()
        invite = old.invite()
        old.shutdown()
        served.run_in_thread()
        try:
            with pytest.raises(ConnectionFailed, match="it is an old one; ask the host for a new one"):
                Client().connect(served.port, invite=invite)
        finally:
            served.shutdown()


class TestIdentityFile:
    def test_it_is_made_once_readable_by_its_owner_alone_and_kept(self, tmp_path: Path) -> None:
        path = tmp_path / "pong.identity"
        secrets = [server(identity=each).plumbing.credentials.identity for each in (path, str(path))]
        assert secrets[0] is not None
        assert secrets[1] is not None
        assert secrets[0].secrets == secrets[1].secrets
        if os.name == "posix":
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert os.listdir(tmp_path) == ["pong.identity"]

    @pytest.mark.parametrize("change", [lambda data: data[:-5], lambda data: b"", lambda data: b"x" * 500])
    def test_a_torn_or_foreign_file_is_refused_and_kept(self, change: object, tmp_path: Path) -> None:
        path = tmp_path / "pong.identity"
        server(identity=path)
        damaged = change(path.read_bytes())  # type: ignore[operator]
        path.write_bytes(damaged)
        with pytest.raises(IdentityUnusable, match="another kind of file or a torn one; name another path, or move"):
            server(identity=path)
        assert path.read_bytes() == damaged

    def test_no_changed_letter_goes_unnoticed(self, tmp_path: Path) -> None:
        path = tmp_path / "pong.identity"
        server(identity=path)
        whole = path.read_bytes()
        for at in range(len(whole)):
            path.write_bytes(whole[:at] + (b"A" if whole[at : at + 1] != b"A" else b"B") + whole[at + 1 :])
            with pytest.raises(IdentityUnusable):
                server(identity=path)

    def test_a_folder_that_is_missing_and_a_path_that_is_none(self, tmp_path: Path) -> None:
        with pytest.raises(IdentityUnusable, match="there is no folder"):
            server(identity=tmp_path / "no" / "file")
        with pytest.raises(TypeError, match="identity must be the path of a file"):
            server(identity=17)

    @needs_cryptography
    @pytest.mark.integration
    def test_invites_outlive_the_server(self, tmp_path: Path) -> None:
        invites = []
        for _ in range(2):
            served = backend(identity=tmp_path / "pong.identity")
            served.run_in_thread()
            invites.append(parse_invite(served.server.invite()))
            served.shutdown()
        assert invites[0][2:] == invites[1][2:]


@pytest.mark.integration
class TestLog:
    def lines(self, caplog: pytest.LogCaptureFixture, **options: object) -> list[tuple[int, str]]:
        hostname = options.pop("hostname", "localhost")
        served = server(**options)
        with caplog.at_level(logging.INFO, "pygase"):
            served.run_in_thread(hostname=hostname)  # type: ignore[arg-type]
            served.shutdown()
        return [(each.levelno, each.getMessage()) for each in caplog.records if "encrypted" in each.getMessage()]

    @needs_cryptography
    @pytest.mark.parametrize(
        ("mode", "whose"), [("auto", "the clients' that can encrypt as well"), ("required", "all")]
    )
    def test_says_once_that_connections_are_encrypted(
        self, mode: str, whose: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        lines = self.lines(caplog, config=ServerConfig(encryption=mode))
        assert lines == [(logging.INFO, f"connections are encrypted: {whose}")]

    def test_says_once_that_they_are_not(self, caplog: pytest.LogCaptureFixture) -> None:
        ((level, line),) = self.lines(caplog, config=ServerConfig(encryption="off"))
        assert level == logging.INFO
        assert line.startswith("connections are not encrypted: ServerConfig has encryption='off'")

    @pytest.mark.parametrize(("hostname", "warns"), [("0.0.0.0", True), ("localhost", False)])
    def test_warns_of_a_password_on_an_open_network(
        self, hostname: str, warns: bool, caplog: pytest.LogCaptureFixture
    ) -> None:
        options = {"config": ServerConfig(encryption="off"), "password": "sesame", "hostname": hostname}
        ((level, line),) = self.lines(caplog, **options)
        assert (level == logging.WARNING) == warns
        assert ("can try out passwords against a recorded handshake" in line) == warns


WITHOUT = """
import sys
sys.modules["cryptography"] = None
from pygase import *

def step(game_state, dt):
    return {"n": game_state.n + 1}

backend = Backend(GameState(n=0), step, password="sesame")
backend.run_in_thread()
client = Client(password="sesame")
client.connect_in_thread(backend.server.port)
client.wait_until(lambda state: state.n > 2, timeout=20)
print("open:", client.status, client.is_encrypted)
for call in (
    lambda: backend.server.invite(),
    lambda: Server(GameStateStore(GameState()), config=ServerConfig(encryption="required")),
    lambda: Client(config=ClientConfig(encryption="required")).connect(8080),
    lambda: Client().connect(invite="pygase://h:1/#" + "A" * 64),
):
    try:
        call()
    except CannotEncrypt as error:
        print(error)
client.disconnect()
backend.shutdown()
"""


@pytest.mark.integration
def test_a_python_without_cryptography_plays_openly_and_says_what_to_install() -> None:
    ran = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, timeout=60)
    lines = ran.stdout.splitlines()
    assert lines[0] == "open: connected False", ran.stderr
    assert len(lines) == 5
    for line in lines[1:]:
        assert "the package cryptography is not installed; install it with: pip install 'pygase[secure]'" in line
