"""In words: who plays, who you are, how the connection is, and what one can do next."""

from typing import Any

import pytest

from games.pong import rules
from games.pong.rules import LEFT, RIGHT
from games.pong.scene import Link, Scene, scene_of

CONNECTED = Link("connected", "localhost", rtt=0.012)


def state(**of_the_match: Any) -> dict[str, Any]:
    players = {LEFT: {"name": "Ada", "bot": False}, RIGHT: {"name": "Bob", "bot": False}}
    return {"match": {**rules.new_match(), **of_the_match}, "players": players, "watching": 0}


def words(scene: Scene) -> str:
    notice = scene.notice
    return " | ".join([scene.status, scene.keys, *([notice.title, notice.text, notice.hint] if notice else [])])


def test_while_connecting_it_says_to_where_and_how_to_stop() -> None:
    said = words(scene_of({}, None, Link("connecting", "192.168.1.5:7000")))
    assert "Connecting to 192.168.1.5:7000" in said
    assert "Esc" in said


def test_where_no_server_is_it_says_why_and_how_to_try_again() -> None:
    scene = scene_of({}, None, Link("lost", "192.168.1.5", trouble="Nobody answered."))
    assert "No game at 192.168.1.5" in words(scene)
    assert "Nobody answered." in words(scene)
    assert "R: try again" in words(scene)
    assert not scene.healthy


def test_when_the_host_ends_the_last_of_the_match_stays_in_sight_with_the_reason() -> None:
    scene = scene_of(state(), LEFT, Link("lost", "localhost", trouble="The server was shut down."))
    assert scene.match is not None
    assert "The server was shut down." in words(scene)
    assert "Connected" not in words(scene)


def test_a_player_sees_who_they_are_and_their_keys() -> None:
    scene = scene_of(state(), RIGHT, CONNECTED)
    assert scene.you == RIGHT
    assert scene.names == {LEFT: "Ada", RIGHT: "Bob"}
    assert scene.status == "Connected, 12 ms"
    assert scene.healthy
    assert "W/S" in scene.keys
    assert scene.notice is None


def test_a_spectator_is_told_that_they_watch_and_is_offered_no_keys_that_do_nothing() -> None:
    scene = scene_of({**state(phase=rules.OVER, winner=LEFT), "watching": 1}, "", CONNECTED)
    assert scene.you is None
    assert "you are watching" in scene.status
    assert "W/S" not in words(scene)
    assert "Space" not in words(scene)


def test_players_see_how_many_watch() -> None:
    assert "3 watching" in scene_of({**state(), "watching": 3}, LEFT, CONNECTED).status


@pytest.mark.parametrize(("seat", "who"), [(LEFT, "You win"), (RIGHT, "Ada wins"), ("", "Ada wins")])
def test_the_end_of_a_match_says_who_won_from_ones_own_point_of_view(seat: Any, who: str) -> None:
    over = state(phase=rules.OVER, winner=LEFT, score={LEFT: 11, RIGHT: 7})
    notice = scene_of(over, seat, CONNECTED).notice
    assert notice is not None
    assert notice.title == f"{who} 11 : 7"


def test_players_are_told_how_to_play_again() -> None:
    notice = scene_of(state(phase=rules.OVER, winner=LEFT), RIGHT, CONNECTED).notice
    assert notice is not None
    assert notice.hint == "Space: play again"


def test_waiting_for_a_second_player_is_said() -> None:
    assert "Waiting" in words(scene_of(state(phase=rules.WAITING), LEFT, CONNECTED))


def test_whoever_waits_at_their_own_table_sees_what_friends_have_to_type() -> None:
    scene = scene_of(state(phase=rules.WAITING), LEFT, CONNECTED, invitation="pong join 10.0.0.1")
    assert "Friends type: | pong join 10.0.0.1" in words(scene)
