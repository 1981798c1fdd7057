"""Real routers, in network namespaces, forget their mapping in the middle of a game: see benchmarks/nat_rebind.py."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmarks.nat_rebind import Rebinds, Street, measure, why_not

pytestmark = pytest.mark.integration

RTT = 0.05


def played(rebinds: int, change: Callable[[Street], None], encryption: str = "off") -> Rebinds:
    if why_not():
        pytest.skip(why_not())
    try:
        outcome = measure(rebinds, RTT, pause=1.0, encryption=encryption, change=change)
    except OSError as error:
        pytest.skip(f"may not make namespaces or a router here: {error}")
    print(outcome)
    return outcome


@pytest.mark.parametrize("encryption", ["off", "auto"])
def test_a_game_goes_on_when_the_router_forgets_its_mapping(encryption: str) -> None:
    outcome = played(4, Street.forget, encryption)
    assert len(set(outcome.ports)) == 5, "each time the client has got another port"
    assert (outcome.ends, outcome.wrong) == ([], 0)
    assert outcome.events > 300
    assert outcome.rtt > RTT
    assert sorted(outcome.holes)[1] <= 0.25  # (one outlier is the machine's)
    assert max(outcome.holes) <= 0.5


def test_a_game_goes_on_when_the_clients_own_address_changes() -> None:
    """Also while the machine has none for a while, as between two networks: the client's socket stays the same."""
    addresses = iter(["10.73.1.3/24", "10.73.1.4/24"])
    outcome = played(2, lambda street: street.renumber(next(addresses), pause=0.3))
    assert len(set(outcome.ports)) == 3
    assert (outcome.ends, outcome.wrong) == ([], 0)
    assert max(outcome.holes) <= 0.3 + 0.5
