"""A short visit is not announced. Every other arrival and departure is, once."""

import pytest

from pygase import DisconnectReason
from pygase_pygame.app.company import STAYS, Company, how_left


def test_who_stays_is_spoken_of_once() -> None:
    company = Company()
    company.came("ada", 10.0)
    assert company.settled(10.0 + STAYS - 0.01) == []
    assert company.settled(10.0 + STAYS) == ["ada"]
    assert company.settled(100.0) == []
    company.came("ada", 100.0)
    assert company.settled(200.0) == []
    assert company.left("ada")
    assert not company.left("ada")


@pytest.mark.parametrize("stay", [0.0, 1.0, STAYS - 0.01])
def test_who_leaves_before_is_not(stay: float) -> None:
    company = Company()
    company.came("ada", 0.0)
    company.settled(stay)
    assert not company.left("ada")
    assert company.settled(100.0) == []


def test_they_are_spoken_of_in_the_order_in_which_they_came() -> None:
    company = Company()
    for number, who in enumerate(("bob", "ada", "eve")):
        company.came(who, number / 10)
    company.came("bob", 0.5)
    assert company.settled(STAYS + 0.1) == ["bob", "ada"]
    assert company.settled(STAYS + 0.2) == ["eve"]
    assert company.knows("bob")
    assert not company.knows("zoe")


@pytest.mark.parametrize(
    ("reason", "how"),
    [
        (DisconnectReason.CLOSED, "has left"),
        (DisconnectReason.KICKED, "has been removed by the host"),
        (DisconnectReason.BANNED, "has been removed by the host"),
        (DisconnectReason.TIMED_OUT, "has lost the connection"),
    ],
)
def test_it_is_said_how_they_left(reason: DisconnectReason, how: str) -> None:
    assert how_left(reason) == how
