"""Two honest clients of an endpoint notice nothing of any attacker: a sample of ``python -m tests.long fuzz``."""

import pytest

from pygase._protocol.wire import DATA
from tests.support.fuzzing.siege import STRANGERS, Siege

SAMPLE = 6_000


@pytest.mark.parametrize("encrypted", [False, True])
def test_honest_clients_notice_nothing(encrypted: bool, seed: int) -> None:
    if encrypted:
        pytest.importorskip("cryptography")
    siege = Siege(seed, encrypted=encrypted)
    siege.run(SAMPLE)
    siege.check()
    assert sum(siege.counts.values()) >= SAMPLE
    assert len(siege.counts) >= 7


def test_the_siege_notices_a_lost_reliable_event() -> None:
    """The test of the test: a number that is missing in the account of an honest client is reported."""
    siege = Siege(1)
    siege.run(100)
    one = next(iter(siege.honest.values()))
    del one.server_got[-1]
    with pytest.raises(AssertionError, match="first wrong one"):
        siege.check()


def test_the_siege_notices_an_answer_that_is_longer_than_its_question() -> None:
    siege = Siege(2)
    siege.peers.server.outbox.append((bytes([DATA]) * 50, STRANGERS[0]))
    with pytest.raises(AssertionError, match="gets more than it sent"):
        siege.peers.transmit()


def test_the_siege_notices_that_the_server_loses_a_client() -> None:
    siege = Siege(3)
    one = next(iter(siege.honest.values()))
    siege.peers.clients[one.address].token = bytes(8)  # from here on the server gets foreign packets
    with pytest.raises(AssertionError, match=r"lost|had to reconnect"):
        siege.run(6_000)
