"""A connection that goes on over a new path of packets: both ends alone, without the handshake."""

import heapq
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pygase._protocol.channels import RELIABLE
from pygase._protocol.client_peer import ClientProtocol
from pygase._protocol.peer_events import EventReceived, InputsReceived, MessageAcked, StateReceived
from pygase._protocol.resumption import Identity
from pygase._protocol.server_peer import ServerProtocol, Shared
from pygase._protocol.skips import numbers_received
from pygase._protocol.snapshots import SnapshotRing
from pygase.config import ClientConfig, ServerConfig

LATENCY = 0.03
LARGE = 4_000


class Pair:
    """Both ends of a connection, joined by a line that loses datagrams and that can be cut."""

    def __init__(self, seed: int = 0, loss: float = 0.0, ring: int = 256) -> None:
        self.rng = random.Random(seed)
        self.now, self.loss = 100.0, loss
        self.shared = Shared(SnapshotRing(ring), self.rng.randbytes, 0, 64)
        self.client = self.new_client()
        self.server = self.new_server()
        self.line: list[tuple[float, int, bytes, bool]] = []
        self.count = self.lost = 0
        self.at_client: list[bytes] = []
        self.at_server: list[bytes] = []
        self.states: list[object] = []
        self.acked: dict[str, list[int]] = {"client": [], "server": []}
        self.inputs: list[InputsReceived] = []
        self.sizes: list[tuple[bool, int]] = []

    def new_client(self) -> ClientProtocol:
        client = ClientProtocol(now=self.now, random_bytes=self.rng.randbytes, config=ClientConfig(), skip_within=64)
        client.token = self.rng.randbytes(8)
        client.connected = True
        return client

    def new_server(self) -> ServerProtocol:
        identity = Identity(1, b"nonce---", {})
        return ServerProtocol(identity, ("c", 1), self.client.token, self.shared, ServerConfig(), self.now)

    # -- the line ------------------------------------------------------------------------------------------------

    def transmit(self) -> None:
        for upwards, datagrams in (
            (True, self.client.datagrams_to_send(now=self.now)),
            (False, self.server.datagrams_to_send(self.now)),
        ):
            for data in datagrams:
                self.count += 1
                self.sizes.append((upwards, len(data)))
                if self.rng.random() >= self.loss:
                    heapq.heappush(self.line, (self.now + LATENCY * (1 + self.rng.random()), self.count, data, upwards))

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.transmit()
            self.now += 0.005
            while self.line and self.line[0][0] <= self.now:
                _, _, data, upwards = heapq.heappop(self.line)
                if not upwards:
                    self.client.receive_datagram(data, now=self.now)
                elif data[1:9] == self.server.token:
                    self.server.receive_packet(data, self.now)
            self.collect()
        assert self.client.closed is None
        assert self.server.closed is None

    def collect(self) -> None:
        while (event := self.client.next_event()) is not None:
            if isinstance(event, EventReceived):
                self.at_client.append(event.payload)
            elif isinstance(event, MessageAcked):
                self.acked["client"].append(event.ticket)
            elif isinstance(event, StateReceived):
                self.states.append(event.state.tree)
        while self.shared.inbox:
            _, content = self.shared.inbox.popleft()
            if isinstance(content, bytes):
                self.at_server.append(content)
            elif isinstance(content, MessageAcked):
                self.acked["server"].append(content.ticket)
            elif isinstance(content, InputsReceived):
                self.inputs.append(content)

    def push(self, tree: dict[str, object]) -> None:
        self.shared.ring.push(self.shared.ring.tick + 1, tree, self.now, 0.0)
        self.server.record.next_at = self.now

    # -- new paths -----------------------------------------------------------------------------------------------

    def cut(self) -> None:
        self.line.clear()

    def renew(self) -> None:
        """Join both ends anew, as the handshake does."""
        token, received = self.rng.randbytes(8), self.server.incoming.received
        acked = self.client.outgoing.ordered_acked
        self.server.renew(token, self.client.incoming.received, now=self.now)
        self.server.incoming.join(acked)
        self.client.renew(token, received, now=self.now)

    def restart(self) -> int:
        """Join the client and a server that remembers only a checkpoint. Return the number of lost events."""
        token, received = self.rng.randbytes(8), self.server.incoming.received
        acked = self.client.outgoing.ordered_acked
        self.server.renew(token, self.client.incoming.received, now=self.now)
        self.server.incoming.join(acked)
        self.client.renew(token, received, now=self.now, peer_forgot=True)
        return max(acked - received, 0)

    def load(self, checkpoint: "Checkpoint") -> None:
        """Replace the server by one that remembers only this."""
        self.cut()
        self.shared.inbox.clear()
        self.shared.ring = SnapshotRing(256)
        self.shared.ring.push(checkpoint.tick + 1000, {"restarted": True}, self.now, 0.0)
        self.server = self.new_server()
        self.server.incoming.begin_anew(checkpoint.received)
        self.server.outgoing.restore(*checkpoint.outgoing)
        self.at_server = list(checkpoint.at_server)


class Checkpoint:
    """All that a server saves about a client."""

    def __init__(self, pair: Pair) -> None:
        self.tick = pair.shared.ring.tick
        self.received = pair.server.incoming.received
        self.outgoing = pair.server.outgoing.saved()
        self.at_server = list(pair.at_server)


def reliable(events: list[bytes]) -> list[int]:
    return [int(event[1:9]) for event in events if event.startswith(b"r")]


def retried(events: list[bytes]) -> list[int]:
    return [int(event[1:9]) for event in events if event.startswith(b"o")]


class Talk:
    """Numbered events of both ends, on all channels."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.sent = {"client": 0, "server": 0}

    def say(self, side: str, large: bool = False) -> None:
        self.sent[side] += 1
        number, pair = self.sent[side], self.pair
        end = pair.client if side == "client" else pair.server
        filling = pair.rng.randbytes(LARGE) if large else b""
        for name, retries in ((b"u", 0), (b"o", 3), (b"r", RELIABLE)):
            ticket = number if retries == RELIABLE else None
            end.queue_event(b"%s%08d" % (name, number) + filling, retries, ticket, now=pair.now)

    def check(self) -> None:
        pair = self.pair
        for heard, speaker in ((pair.at_server, "client"), (pair.at_client, "server")):
            assert reliable(heard) == list(range(1, self.sent[speaker] + 1))
            assert len(set(retried(heard))) == len(retried(heard))
            assert sorted(pair.acked[speaker]) == list(range(1, self.sent[speaker] + 1))


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.sampled_from(["client", "server"]), st.booleans()),
        st.tuples(st.just("run"), st.floats(0.005, 0.4)),
        st.tuples(st.just("cut"), st.floats(0.0, 3.0)),
    ),
    max_size=30,
)


@settings(max_examples=150, deadline=None)
@given(STEPS, st.integers(0, 1000), st.sampled_from([0.0, 0.2, 0.4]))
def test_reliable_events_arrive_once_and_in_order_wherever_the_path_is_cut(
    steps: list[tuple[object, ...]], seed: int, loss: float
) -> None:
    pair = Pair(seed, loss)
    talk = Talk(pair)
    pair.push({"n": 0})
    for step in steps:
        match step:
            case ("say", str(side), bool(large)):
                talk.say(side, large)
            case ("run", float(seconds)):
                pair.run(seconds)
            case ("cut", float(seconds)):
                pair.cut()
                pair.now += seconds
                pair.renew()
                pair.push({"n": pair.shared.ring.tick})
    pair.loss = 0.0
    pair.run(4.0)
    talk.check()
    assert pair.states[-1] == pair.shared.ring.tree


@settings(max_examples=150, deadline=None)
@given(STEPS, STEPS, st.integers(0, 3), st.integers(0, 1000), st.sampled_from([0.0, 0.3]))
def test_a_restart_from_a_checkpoint_loses_what_was_acknowledged_after_it_and_nothing_else(
    before: list[tuple[object, ...]], after: list[tuple[object, ...]], said: int, seed: int, loss: float
) -> None:
    pair = Pair(seed, loss)
    talk = Talk(pair)
    pair.push({"n": 0})

    def play(steps: list[tuple[object, ...]]) -> None:
        for step in steps:
            if step[0] == "say":
                talk.say(str(step[1]), bool(step[2]))
            else:
                pair.run(float(str(step[1])))

    play(before)
    checkpoint = Checkpoint(pair)
    saved = talk.sent["server"]
    play(after)
    heard, acked = reliable(pair.at_client), pair.client.outgoing.ordered_acked
    pair.load(checkpoint)
    talk.sent["server"] = 10_000  # events of the new process, other ones than the old process sent after the checkpoint
    for _ in range(said):
        talk.say("server")
    assert pair.restart() == max(acked - len(reliable(checkpoint.at_server)), 0)
    talk.say("client")
    talk.say("server")
    pair.loss = 0.0
    pair.run(4.0)
    expected = heard + list(range(len(heard) + 1, saved + 1)) + list(range(10_001, talk.sent["server"] + 1))
    assert reliable(pair.at_client) == expected
    kept = reliable(checkpoint.at_server)
    assert reliable(pair.at_server) == kept + list(range(max(acked, len(kept)) + 1, talk.sent["client"] + 1))
    assert len(set(retried(pair.at_client))) == len(retried(pair.at_client))
    assert pair.states[-1] == {"restarted": True}


def test_a_client_that_remembers_nothing_gets_the_reliable_events_that_its_former_process_did_not_acknowledge() -> None:
    pair = Pair()
    talk = Talk(pair)
    pair.push({"n": 0})
    for _ in range(5):
        talk.say("server")
    pair.run(0.5)
    pair.cut()
    for number in range(5):
        talk.say("server", large=number == 2)
        pair.transmit()
        pair.cut()
    known = len(reliable(pair.at_client))
    pair.at_client.clear()
    pair.client = pair.new_client()
    pair.server.renew(pair.client.token, 0, now=pair.now, peer_forgot=True)
    talk.sent["client"] = 0
    talk.say("client")
    talk.say("server", large=True)
    pair.run(2.0)
    assert known == 5
    assert reliable(pair.at_client) == [6, 7, 8, 9, 10, 11]
    assert reliable(pair.at_server) == [1]
    assert pair.states[-1] == {"n": 0}


def renewed_after(seconds: float, loss: float = 0.0, ring: int = 256) -> Pair:
    pair = Pair(loss=loss, ring=ring)
    pair.push({"noise": pair.rng.randbytes(900), "n": 0})
    pair.run(1.5)
    pair.cut()
    pair.now += seconds
    pair.renew()
    return pair


@pytest.mark.parametrize("seconds", [0.0, 10.0, 29.0])
def test_the_state_arrives_as_a_delta_where_the_baseline_is_still_there(seconds: float) -> None:
    pair = renewed_after(seconds, ring=4)
    tree = dict(pair.shared.ring.tree)
    for number in range(1, 9):  # so many that the ring forgets the baseline
        pair.push({**tree, "n": number})
    pair.sizes.clear()
    pair.run(0.3)
    assert pair.states[-1] == {**tree, "n": 8}
    assert max(size for upwards, size in pair.sizes if not upwards) < 100


def test_a_large_state_under_way_begins_again() -> None:
    pair = Pair()
    pair.push({"noise": pair.rng.randbytes(300_000)})
    pair.run(0.06)
    assert not pair.states
    pair.cut()
    pair.renew()
    pair.run(2.0)
    assert pair.states == [pair.shared.ring.tree]


def test_unreliable_events_are_dropped_and_unfinished_ones_forgotten() -> None:
    pair = Pair()
    pair.push({"n": 0})
    pair.run(0.3)
    for end in (pair.client, pair.server):
        end.queue_event(bytes(LARGE), 0, None, now=pair.now)
    pair.transmit()
    for data, upwards in [(each[2], each[3]) for each in pair.line][:4]:
        if upwards:
            pair.server.receive_packet(data, pair.now)
        else:
            pair.client.receive_datagram(data, now=pair.now)
    pair.cut()
    pair.client.queue_event(b"waiting", 0, None, now=pair.now)
    pair.server.queue_event(b"waiting", 0, None, now=pair.now)
    pair.renew()
    assert pair.server.held_bytes == pair.client.incoming.held_bytes == 0
    pair.run(1.0)
    assert pair.at_client == pair.at_server == []


@pytest.mark.parametrize("lost_for", [0.0, 2.0])
def test_inputs_go_on_with_their_numbers_and_the_gap_counts_as_no_loss(lost_for: float) -> None:
    pair = Pair()
    pair.push({"n": 0})
    for _ in range(20):
        pair.client.queue_input(b"x", None)
        pair.run(0.02)
    before = pair.inputs[-1]
    pair.cut()
    for _ in range(int(lost_for / 0.02)):
        pair.client.queue_input(b"x", None)
        pair.now += 0.02
    pair.renew()
    pair.client.queue_input(b"x", None)
    pair.run(0.5)
    after = pair.inputs[-1]
    assert after.message.newest == 21 + int(lost_for / 0.02)
    assert after.datagram > before.datagram + 256
    assert numbers_received(pair.server.record)[0] == after.datagram
    assert len(pair.client.inputs) == 0


def test_the_totals_of_the_statistics_go_on() -> None:
    pair = renewed_after(1.0)
    ends: list[Callable[[], tuple[int, int]]] = [
        lambda: (pair.client.stats(now=pair.now).packets_sent, pair.client.stats(now=pair.now).packets_received),
        lambda: (pair.server.stats(now=pair.now).packets_sent, pair.server.stats(now=pair.now).packets_received),
    ]
    before = [end() for end in ends]
    assert all(min(totals) > 0 for totals in before)
    assert pair.client.rtt.rtt == pytest.approx(2 * LATENCY * 1.5, abs=0.03)
    pair.run(2.0)
    for old, end in zip(before, ends, strict=True):
        assert all(was < total < was + 40 for was, total in zip(old, end(), strict=True))


def test_a_renewed_connection_knows_nothing_of_the_old_packets() -> None:
    """Old acknowledgements name numbers of the old path. On the new path they are numbers that were never sent."""
    pair = Pair()
    pair.push({"n": 0})
    pair.run(1.0)
    pair.renew()
    assert len(pair.client.acks) == len(pair.server.acks) == 0
    assert pair.client.record.latest == pair.server.record.latest == -1
    pair.run(2.0)
    assert pair.client.stats(now=pair.now).loss == pair.server.stats(now=pair.now).loss == 0.0
