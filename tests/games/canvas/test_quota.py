"""The pieces of one network address are counted together, for all its clients and connections."""

import random
from collections.abc import Callable

import pytest

from games.canvas import quota, rules, sheet
from games.canvas.quota import HOST_FULL, HOST_TOO_FAST, NO_AMOUNT, PER_SECOND, SAVED_UP, Amount, Rates, amount_of
from games.canvas.server import CanvasServer
from games.canvas.sheet import Refused, Sheet
from pygase.testing import SimulatedNetwork
from tests.games.canvas.drawings import scribble
from tests.games.canvas.test_server import LINE, Visitor, network, opened

__all__ = ["network", "opened"]  # fixtures of the server's tests

Opened = Callable[..., CanvasServer]
PIECE = amount_of(rules.piece_of(1, 0, LINE), begins=True)
HERE, THERE = "10.0.0.1", "10.0.0.2"


def test_what_is_drawn_and_undone_is_counted_exactly(rng: random.Random) -> None:
    picture = Sheet()
    for number in range(40):
        artist, host = rng.choice(((1, HERE), (2, HERE), (3, THERE)))
        for part, line in enumerate(scribble(rng)):
            picture.draw(artist, number, part, line, host)
    pieces = [piece for piece in picture.pieces.values() if rules.artist_of(piece) in (1, 2)]
    points, size = sum(map(rules.point_count, pieces)), sum(map(rules.cost, pieces))
    assert picture.held(HERE) == (len(set(map(rules.stroke_of, pieces))), points, size)
    picture.undo_all(1)
    picture.undo_all(2)
    assert picture.held(HERE) == NO_AMOUNT
    assert picture.held(THERE).size == picture.size
    picture.clear()
    assert picture.held(THERE) == NO_AMOUNT


@pytest.mark.parametrize(
    "most", [Amount(3, 1e9, 1e9), Amount(1e9, 3 * PIECE.points, 1e9), Amount(1e9, 1e9, 3 * PIECE.size)]
)
def test_an_address_has_so_many_strokes_points_and_bytes_whoever_draws_there(
    most: Amount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheet, "HELD", most)
    picture = Sheet()
    for artist in (1, 2, 3):
        picture.draw(artist, 0, 0, LINE, HERE)
    with pytest.raises(Refused, match="network address"):
        picture.draw(4, 0, 0, LINE, HERE)
    picture.draw(4, 0, 0, LINE, THERE)
    picture.draw(5, 0, 0, LINE)  # a bot
    picture.undo(1, 0)
    picture.draw(6, 0, 0, LINE, HERE)


def test_half_of_the_picture_is_left_for_others() -> None:
    assert quota.HELD.size <= rules.MAX_PICTURE_BYTES / 2
    assert quota.HELD.strokes <= rules.MAX_PICTURE_STROKES / 2


def test_a_class_of_16_behind_one_router_draws_all_the_time() -> None:
    rates, hand = Rates(), Amount(2, 240, 700)  # two strokes a second, with the points of a fast mouse
    for tick in range(60 * 10):
        for _ in range(16):
            assert rates.spend(HERE, Amount(*(part / 10 for part in hand)), tick / 10)


def test_more_than_is_saved_up_is_too_much_and_comes_back_with_time() -> None:
    rates = Rates()
    assert rates.spend(HERE, SAVED_UP, 5.0)
    assert not rates.spend(HERE, Amount(1, 0, 0), 5.0)
    assert rates.spend(THERE, SAVED_UP, 5.0)
    assert rates.spend(HERE, PER_SECOND, 6.0)
    assert not rates.spend(HERE, Amount(0, 0, 1), 6.0)


def test_addresses_that_rest_are_forgotten_and_no_others() -> None:
    rates = Rates()
    for number in range(1_000):
        rates.spend(f"10.0.{number}", PER_SECOND, 0.0)
    rates.spend(HERE, SAVED_UP, 0.0)
    rates.forget_idle(1.0)
    assert len(rates) == 1
    assert not rates.spend(HERE, SAVED_UP, 1.0)


def test_who_comes_anew_as_somebody_else_has_no_more_than_before(
    network: SimulatedNetwork, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheet, "HELD", Amount(5, 10_000, 10_000))
    opened()
    ada = Visitor(network, "Ada")
    for _ in range(4):
        bob = Visitor(network, "Bob")
        bob.tell("INK", 0, 0, LINE)
        bob.tell("INK", 1, 0, LINE)
        network.run(0.2)
        bob.client.disconnect()
        network.run(0.2)
    assert len(ada.pieces) == 5
    assert bob.refused == [(0, HOST_FULL), (1, HOST_FULL)]


def test_who_draws_too_fast_from_one_address_is_told_so_in_words(
    network: SimulatedNetwork, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quota, "SAVED_UP", Amount(3, 1_000, 1_000))
    opened()
    ada, bob = Visitor(network, "Ada"), Visitor(network, "Bob")
    for number in range(2):
        ada.tell("INK", number, 0, LINE)
        bob.tell("INK", number, 0, LINE)
    network.run(0.05)
    network.run(0.2)
    told = ada.refused + bob.refused
    assert told == [(1, HOST_TOO_FAST)]
    assert len(ada.pieces) == 3
    ada.tell("INK", 5, 0, LINE)
    network.run(0.2)
    assert len(ada.pieces) == 4, "a moment later it goes on"


def test_the_host_can_undo_all_that_somebody_has_drawn_and_nobody_else(
    network: SimulatedNetwork, opened: Opened
) -> None:
    opened()
    ada, bob = Visitor(network, "Ada"), Visitor(network, "Bob")
    host, guest = (ada, bob) if ada.client.snapshots[-1].state["host"] == ada.number else (bob, ada)
    for number in range(3):
        host.tell("INK", number, 0, LINE)
        guest.tell("INK", number, 0, LINE)
    network.run(0.2)
    guest.tell("UNDO_ALL", host.number)
    network.run(0.2)
    assert len(host.pieces) == 6
    assert guest.news[-1] == "Only the host can undo the strokes of others."
    for nonsense in (None, -1, 70_000, "x", [1], 1.0, 999):
        host.tell("UNDO_ALL", nonsense)
    host.tell("UNDO_ALL", guest.number)
    network.run(0.2)
    assert {rules.artist_of(piece) for piece in host.pieces} == {host.number}
    assert len(host.pieces) == 3
    assert "has undone all strokes of" in guest.news[-1]


def test_what_somebody_drew_who_has_left_can_be_undone_too(network: SimulatedNetwork, opened: Opened) -> None:
    opened()
    host, guest = Visitor(network, "Ada"), Visitor(network, "Bob")
    if host.client.snapshots[-1].state["host"] != host.number:
        host, guest = guest, host
    guest.tell("INK", 0, 0, LINE)
    network.run(0.2)
    number = guest.number
    guest.client.disconnect()
    network.run(0.2)
    host.tell("UNDO_ALL", number)
    network.run(0.2)
    assert host.pieces == []
