"""Reading and sending many datagrams with one system call does what one call each does: a sample of
``python -m tests.long fuzz --only sockets``."""

import pytest

from pygase._io import udp
from tests.support.fuzzing.sockets import SocketFuzzer

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not udp.in_batches(), reason="pygase._io._batches is for Linux, and takes a C compiler"),
]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_both_ways_of_reading_a_socket_agree(host: str, seed: int) -> None:
    try:
        fuzzer = SocketFuzzer(seed, host)
    except OSError:
        pytest.skip("no IPv6 here")
    try:
        fuzzer.run(3_000)
    finally:
        fuzzer.close()
    assert len(fuzzer.refused) > 5
