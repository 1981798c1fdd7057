"""The host reads exactly the command for friends."""

import pytest

from pygase import Backend, GameState, ServerConfig, parse_invite
from pygase_pygame.app import invite
from tests.support.demo import DEMO


def test_friends_are_told_every_address_of_a_game_that_is_open_to_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invite, "get_available_ip_addresses", lambda: ["127.0.0.1", "10.0.0.7", "192.168.1.5"])
    text = invite.invitation(DEMO, "0.0.0.0", 7700)
    assert "Demo is open on port 7700" in text
    assert "python -m tests.support.demo join 10.0.0.7:7700" in text
    assert "python -m tests.support.demo join 192.168.1.5:7700" in text
    assert "python -m tests.support.demo join 127.0.0.1:7700" in text
    assert "one of" in text


def test_the_games_own_port_need_not_be_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invite, "get_available_ip_addresses", lambda: ["10.0.0.7"])
    assert invite.commands(DEMO, "0.0.0.0", 7699) == ["python -m tests.support.demo join 10.0.0.7"]


def test_a_host_can_send_an_invite_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("cryptography")
    backend = Backend(GameState(), lambda game_state, dt: {})
    backend.run_in_thread("0.0.0.0")
    private = invite.private_invite(backend.server)
    assert parse_invite(private).port == backend.server.port
    text = invite.invitation(DEMO, "0.0.0.0", 7700, private)
    assert f"nobody on the way can read or change anything,\n    python -m tests.support.demo join {private}\n" in text
    backend.shutdown()
    assert invite.private_invite(backend.server) == ""


def test_without_encryption_there_is_none() -> None:
    backend = Backend(GameState(), lambda game_state, dt: {}, config=ServerConfig(encryption="off"))
    backend.run_in_thread("0.0.0.0")
    assert invite.private_invite(backend.server) == ""
    backend.shutdown()


@pytest.mark.parametrize("bound", ["localhost", "127.0.0.1", "::1"])
def test_nobody_is_invited_to_a_game_for_this_machine_only(bound: str) -> None:
    assert invite.commands(DEMO, bound, 7699) == []
    assert "this machine only" in invite.invitation(DEMO, bound, 7699)
