"""The sentences of Pong: players, seats, the connection, and the next possible actions."""

from typing import Any

import pytest

from games.pong import flight, rules, scene
from games.pong.flight import LEFT, RIGHT
from games.pong.scene import Link, Scene, scene_of

CONNECTED = Link("connected", "localhost", rtt=0.012)


def player(name: str, **of_the_player: Any) -> dict[str, Any]:
    return {"name": name, "bot": False, "guest": False, "lost": False, "ready": False, **of_the_player}


def against(opponent: dict[str, Any], **of_the_match: Any) -> dict[str, Any]:
    """Return the state of a game between Ada, on the left, and an opponent."""
    return {**state(**of_the_match), "players": {LEFT: player("Ada"), RIGHT: opponent}}


BOT = player("Bot", bot=True)
GUEST = player("Guest", guest=True)


def state(**of_the_match: Any) -> dict[str, Any]:
    players = {LEFT: player("Ada"), RIGHT: player("Bob")}
    games = {side: int(of_the_match.get("winner") == side) for side in (LEFT, RIGHT)}
    return {"match": {**rules.new_match(), "games": games, **of_the_match}, "players": players, "watching": {}}


def words(scene: Scene) -> str:
    notice = scene.notice
    return " | ".join([scene.status, *scene.keys, *([notice.title, notice.text, notice.hint] if notice else [])])


def test_while_connecting_it_says_to_where_and_how_to_stop() -> None:
    said = words(scene_of({}, "", Link("connecting", "192.168.1.5:7000")))
    assert "Connecting to 192.168.1.5:7000" in said
    assert "Esc" in said


def test_where_no_server_is_it_says_why_and_how_to_try_again() -> None:
    seen = scene_of({}, "", Link("lost", "192.168.1.5", trouble="Nobody answered."))
    assert "No game at 192.168.1.5" in words(seen)
    assert "Nobody answered." in words(seen)
    assert "R: try again" in words(seen)
    assert not seen.healthy


def test_when_nothing_comes_any_more_the_status_does_not_claim_that_all_is_well() -> None:
    seen = scene_of(state(), LEFT, Link("connected", "localhost", rtt=0.003, trouble="Nothing has come for 3 s."))
    assert not seen.healthy
    assert "Connected" not in words(seen)
    assert "No answer" in words(seen)


def test_when_the_host_ends_the_last_of_the_match_stays_in_sight_with_the_reason() -> None:
    seen = scene_of(state(), LEFT, Link("lost", "localhost", trouble="The server was shut down."))
    assert seen.match is not None
    assert "The server was shut down." in words(seen)
    assert "Connected" not in words(seen)


def test_a_player_sees_who_they_are_and_their_keys() -> None:
    seen = scene_of(state(), RIGHT, CONNECTED)
    assert seen.you == RIGHT
    assert seen.names == {LEFT: "Ada", RIGHT: "Bob"}
    assert seen.status == "Connected, 12 ms"
    assert seen.healthy
    assert "W/S or Up/Down: move" in seen.keys
    assert seen.notice is None


def test_a_spectator_is_told_that_they_watch_and_is_offered_no_keys_that_do_nothing() -> None:
    seen = scene_of({**state(phase=rules.OVER, winner=LEFT), "watching": {3: "Eve"}}, "", CONNECTED)
    assert seen.you is None
    assert "you are watching" in seen.status
    assert "W/S" not in words(seen)
    assert "Space" not in words(seen)


def test_players_see_how_many_watch() -> None:
    assert "3 watching" in scene_of({**state(), "watching": {3: "Eve", 4: "Bob", 5: "Cleo"}}, LEFT, CONNECTED).status


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


@pytest.mark.parametrize(
    ("games", "seat", "title", "text", "hint"),
    [
        ({LEFT: 1, RIGHT: 0}, LEFT, "You win 11 : 7", "1 : 0 in games, best of 3.", "Space: next game"),
        ({LEFT: 1, RIGHT: 1}, "", "Ada wins 11 : 7", "1 : 1 in games, best of 3.", ""),
        ({LEFT: 2, RIGHT: 1}, RIGHT, "Ada wins the match 2 : 1", "2 : 1 in games, best of 3.", "Space: play again"),
    ],
)
def test_the_end_of_a_game_in_a_series_says_how_the_series_stands(
    games: dict[Any, int], seat: Any, title: str, text: str, hint: str
) -> None:
    over = state(phase=rules.OVER, winner=LEFT, score={LEFT: 11, RIGHT: 7}, games=games, best_of=3)
    notice = scene_of(over, seat, CONNECTED).notice
    assert notice is not None
    assert (notice.title, notice.text, notice.hint) == (title, text, hint)


def test_the_end_of_a_game_tells_its_longest_rally() -> None:
    assert "Longest rally: 14." in words(scene_of(state(phase=rules.OVER, winner=LEFT, longest=14), LEFT, CONNECTED))
    assert "Longest" not in words(scene_of(state(phase=rules.OVER, winner=LEFT, longest=0), LEFT, CONNECTED))


def test_a_second_player_is_offered_only_where_nobody_else_plays() -> None:
    offer = scene.CALL_GUEST
    assert offer in scene_of(against(BOT), LEFT, CONNECTED).keys
    assert offer in scene_of(against(player("")), LEFT, CONNECTED).keys
    assert offer not in scene_of(against(player("Bob")), LEFT, CONNECTED).keys
    assert offer not in scene_of(against(BOT), "", CONNECTED).keys


@pytest.mark.parametrize(
    ("seat", "remarks"),
    [(LEFT, {LEFT: "you, W/S", RIGHT: "Up/Down"}), (RIGHT, {LEFT: "W/S", RIGHT: "you, Up/Down"})],
)
def test_two_at_one_keyboard_are_told_who_has_which_keys(seat: Any, remarks: dict[Any, str]) -> None:
    names = {seat: player("Ada"), flight.other(seat): GUEST}
    shown = scene_of({**state(), "players": names}, seat, CONNECTED)
    assert shown.remarks == remarks
    assert scene.DISMISS_GUEST in shown.keys
    assert scene.MOVE_BOTH in shown.keys


def test_of_two_at_one_keyboard_neither_is_told_that_you_win() -> None:
    over = against(GUEST, phase=rules.OVER, winner=RIGHT)
    assert "Guest wins" in words(scene_of(over, LEFT, CONNECTED))
    assert "Space: play again" in words(scene_of(over, LEFT, CONNECTED))


def test_without_a_second_player_only_ones_own_name_has_a_remark() -> None:
    assert scene_of(state(), RIGHT, CONNECTED).remarks == {RIGHT: "you"}
    assert scene_of(state(), "", CONNECTED).remarks == {}


def test_who_sits_down_is_told_the_side_and_the_keys_and_a_host_how_friends_come() -> None:
    assert scene.opening(against(BOT), LEFT) == ["You play on the left: W/S or Up/Down."]
    assert scene.opening(against(BOT), LEFT, "pong join 10.0.0.1")[1] == "Friends type: pong join 10.0.0.1"
    assert len(scene.opening(against(player("Bob")), LEFT, "pong join 10.0.0.1")) == 1
    assert scene.opening(state(), "", "pong join 10.0.0.1") == []


def test_waiting_for_a_second_player_is_said() -> None:
    assert "Waiting" in words(scene_of(state(phase=rules.WAITING), LEFT, CONNECTED))


def test_whoever_waits_at_their_own_table_sees_what_friends_have_to_type() -> None:
    seen = scene_of(state(phase=rules.WAITING), LEFT, CONNECTED, invitation="pong join 10.0.0.1")
    assert "Friends type: | pong join 10.0.0.1" in words(seen)


def test_a_player_who_has_lost_the_connection_is_named_to_the_others_and_not_to_themselves() -> None:
    lost = against(player("Bob", lost=True))
    for seat in (LEFT, ""):
        seen = scene_of(lost, seat, CONNECTED)
        assert seen.lost == {RIGHT}
        assert seen.remarks[RIGHT] == "reconnecting"
        assert "Bob has lost the connection" in words(seen)
    back = scene_of(lost, RIGHT, CONNECTED)
    assert not back.lost
    assert back.remarks == {RIGHT: "you"}
    assert "has lost" not in words(back)


def test_the_result_of_a_game_stays_on_the_screen_when_the_loser_loses_the_connection() -> None:
    seen = scene_of(against(player("Bob", lost=True), phase=rules.OVER, winner=LEFT), LEFT, CONNECTED)
    assert seen.notice is not None
    assert seen.notice.title.startswith("You win")
    assert seen.remarks[RIGHT] == "reconnecting"


def test_behind_the_lobby_no_notice_says_the_same_or_something_else() -> None:
    for phase, winner in ((rules.WAITING, ""), (rules.OVER, LEFT)):
        alone = state(phase=phase, winner=winner)
        assert scene_of(alone, LEFT, CONNECTED).notice is not None
        assert scene_of({**alone, "lobby": True}, LEFT, CONNECTED).notice is None
