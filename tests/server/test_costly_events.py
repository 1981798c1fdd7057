"""One client's messages take a bounded share of everybody's ticks: in values, and in seconds."""

import gc
import random
import struct
import threading
import time
from collections.abc import Callable
from itertools import chain
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygase import (
    CLIENT_LEFT,
    RELIABLE,
    Backend,
    Client,
    ClientConfig,
    GameState,
    MessageTooLarge,
    Server,
    ServerConfig,
)
from pygase._diagnostics import log_lines
from pygase._protocol.acknowledged import AcknowledgedEvent
from pygase._server.event_queue import ClientEvents, EventQueue
from pygase._state.codec import count_values, holds_more, pack_plain, unpack_plain
from pygase._state.event_codec import MAX_EVENT_VALUES, decode_event, encode_event, event_type_of
from pygase._state.tree import MAX_DEPTH
from pygase.errors import InvalidValue, MalformedPacket
from pygase.event import Event
from pygase.store import GameStateStore
from pygase.testing import Link, ManualClock, SimulatedNetwork
from tests.support.trees import values

# -- how many values ---------------------------------------------------------------------------------------------------


def values_of(value: Any) -> int:
    """Return how many values there are in one, the slow way."""
    if isinstance(value, dict):
        return 1 + sum(1 + values_of(item) for item in value.values())
    return 1 + sum(map(values_of, value)) if isinstance(value, list) else 1


@given(values)
def test_values_are_counted_as_there_are(value: Any) -> None:
    data = pack_plain(value)
    count = values_of(value)
    assert count_values(data, count) == count
    assert not holds_more(data, count)
    assert holds_more(data, count - 1)


@pytest.mark.parametrize("seed", range(20))
def test_values_of_many_kinds_in_a_row_are_counted_as_there_are(seed: int) -> None:
    rng = random.Random(seed)
    makers: list[Callable[[], Any]] = [
        lambda: rng.randint(-(2**63), 2**64 - 1) >> rng.randint(0, 63),
        rng.random,
        lambda: "x" * rng.choice([0, 1, 31, 32, 40, 255, 256, 70_000 if rng.random() < 0.01 else 3]),
        lambda: b"x" * rng.choice([0, 1, 31, 32, 40, 255, 256, 70_000 if rng.random() < 0.01 else 3]),
        lambda: rng.choice([None, True, False, {}, [], [[]], {"a": {}}]),
        lambda: [0] * rng.choice([15, 16, 300]),
        lambda: dict.fromkeys(range(rng.choice([15, 16, 300])), ""),
    ]
    kinds = rng.sample(makers, rng.randint(1, len(makers)))
    value = [rng.choice(kinds)() for _ in range(rng.randint(0, 2000))]
    assert count_values(pack_plain(value), 10**9) == values_of(value)


@given(st.binary(max_size=200))
def test_counting_never_says_less_than_msgpack_makes(data: bytes) -> None:
    try:
        value = msgpack.unpackb(data, strict_map_key=False, ext_hook=lambda code, data: None)
    except Exception:
        return
    try:
        count = count_values(data, 1000)
    except MalformedPacket:
        return
    assert count >= _least(value)


def _least(value: Any) -> int:
    if isinstance(value, dict):  # (the same key may have been there twice)
        return 1 + sum(1 + _least(item) for item in value.values())
    return 1 + sum(map(_least, value)) if isinstance(value, list) else 1


FLOODS = {
    "empty dicts": b"\x80",
    "empty lists": b"\x90",
    "lists of None": b"\x91\xc0",
    "dicts of one": b"\x81\xa1a\x05",
    "numbers": b"\x05",
    "timestamps": b"\xd6\xff\0\0\0\5",
    "deep lists": b"\x91" * 500 + b"\xc0",
    "lists as deep as may be": b"\x91" * (MAX_DEPTH - 1) + b"\xc0",
}


def flood(kind: str, size: int = 262_000, event_type: bytes = b"\xa3HIT") -> bytes:
    part = FLOODS[kind]
    number = max(size // len(part), 1)
    return b"\x92" + event_type + b"\x91\xdd" + struct.pack("!I", number) + part * number


@pytest.mark.parametrize("kind", FLOODS)
@pytest.mark.interpreted
def test_an_event_with_too_many_values_is_refused_before_any_is_made(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[bytes] = []
    monkeypatch.setattr("pygase._state.codec._unpackb", lambda data, **options: made.append(data))
    with pytest.raises(MalformedPacket):
        decode_event(flood(kind))
    assert not made


@pytest.mark.parametrize("was_enabled", [True, False])
@pytest.mark.parametrize(
    "payload", [encode_event("HIT", ([{}] * 5000,), {}, 10**6), b"\x92\xa3HIT\x91" + b"\xc1" * 5000]
)
@pytest.mark.interpreted
def test_the_garbage_collector_waits_while_many_values_are_made(
    was_enabled: bool, payload: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    real = msgpack.unpackb

    def unpackb(data: bytes, **options: Any) -> Any:
        seen.append(gc.isenabled())
        return real(data, **options)

    monkeypatch.setattr("pygase._state.codec._unpackb", unpackb)
    (gc.enable if was_enabled else gc.disable)()
    try:
        decode_event(payload)
    except MalformedPacket:
        pass
    finally:
        is_enabled = gc.isenabled()
        gc.enable()
    assert seen == [False]
    assert is_enabled == was_enabled


@pytest.mark.parametrize("most", [10, 100, 5000])
def test_the_sender_refuses_what_the_receiver_would(most: int) -> None:
    def fits(number: int) -> bool:
        payload = encode_event("HIT", ([{}] * number,), {}, 10**6)
        if number > most - 4:
            with pytest.raises(MessageTooLarge, match="max_event_values in the config of BOTH sides"):
                encode_event("HIT", ([{}] * number,), {}, 10**6, most)
            with pytest.raises(MalformedPacket):
                decode_event(payload, most)
            return False
        assert encode_event("HIT", ([{}] * number,), {}, 10**6, most) == payload
        assert decode_event(payload, most) == ("HIT", [[{}] * number], {})
        return True

    # the event itself, its type, the list of args, and the list in it are four
    assert [fits(number) for number in (most - 5, most - 4, most - 3, most + 100)] == [True, True, False, False]


@pytest.mark.parametrize("filler", [0, 3000])  # Python counts the levels of one, msgpack those of the other
@pytest.mark.parametrize("kind", ["list", "dict"])
def test_sender_and_receiver_agree_on_how_deep_is_too_deep(kind: str, filler: int) -> None:
    def nested(depth: int) -> Any:
        value: Any = "x" * filler
        for _ in range(depth):
            value = [value] if kind == "list" else {"a": value}
        return value

    for depth in (MAX_DEPTH - 1, MAX_DEPTH):
        value = nested(depth)
        assert decode_event(encode_event("HIT", (value,), {}, 10**6)) == ("HIT", [value], {})
        assert decode_event(encode_event("HIT", (), {"k": value}, 10**6)) == ("HIT", [], {"k": value})
    for depth in (MAX_DEPTH + 1, MAX_DEPTH + 2, 400, 900, 1100):
        value = nested(min(depth, 300))
        with pytest.raises(InvalidValue):
            encode_event("HIT", (value,), {}, 10**6)
        head = b"\x91" * depth if kind == "list" else b"\x81\xa1a" * depth
        for rest in (b"\xda" + struct.pack("!H", 3000) + b"x" * 3000, b"\x01"):
            with pytest.raises(MalformedPacket):
                decode_event(b"\x92\xa3HIT\x91" + head + rest)


@pytest.mark.parametrize("levels", [0, 500])
@pytest.mark.interpreted
def test_levels_are_counted_with_any_msgpack(levels: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With another constant in its C code, or without C, Python counts."""
    monkeypatch.setattr("pygase._state.codec._LEVELS", levels)
    data = b"\x91" * 66 + b"\xda" + struct.pack("!H", 3000) + b"x" * 3000
    if not levels:
        assert unpack_plain(data, max_levels=66)
        with pytest.raises(MalformedPacket):
            unpack_plain(b"\x91" + data, max_levels=66)


@given(values)
def test_the_type_is_read_as_the_whole_event_is(value: Any) -> None:
    for event_type in ("", "HIT", "ü" * 20, "x" * 31, "x" * 32, "x" * 300, "x" * 70_000):
        payload = encode_event(event_type, (value,), {}, 10**6)
        assert event_type_of(payload) == event_type == decode_event(payload)[0]


@given(st.binary(max_size=40))
def test_a_type_is_read_of_whatever_could_be_an_event(data: bytes) -> None:
    try:
        event_type = event_type_of(data)
    except MalformedPacket:
        with pytest.raises(MalformedPacket):
            decode_event(data)
    else:
        assert isinstance(event_type, str)


# -- how long ----------------------------------------------------------------------------------------------------------


class Desk:
    """A queue, whose receiver takes ``cost`` seconds for each event."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.queue = EventQueue()
        self.handled: list[list[Any]] = []
        self.cost: Callable[[Any], float] = lambda content: 0.001
        self.refuses: Callable[[Any], bool] = lambda content: False

    def tick(self, budget: float = 0.001) -> list[Any]:
        self.handled.append([])
        for event in self.queue.due(len(self.handled), budget, self.clock):
            content = event[1] if isinstance(event, tuple) else event
            self.handled[-1].append(content)
            self.clock.advance(self.cost(content))
            if self.refuses(content):
                self.queue.refuse(event[0])
        return self.handled[-1]


def client_of(number: int) -> ClientEvents:
    return ClientEvents(number, ("there", number))


def test_what_is_within_the_budget_is_handled_in_the_order_in_which_it_arrived() -> None:
    desk, one, two = Desk(), client_of(1), client_of(2)
    desk.cost = lambda content: 0.0001
    sent = [(one, b"a"), (two, b"b"), (one, b"c"), (two, b"d"), (one, b"e")]
    desk.queue.arrived.extend(sent)
    assert desk.tick() == [content for _, content in sent]
    assert not desk.queue


def test_what_is_beyond_the_budget_waits_for_later_ticks_in_its_order_and_holds_up_nobody_else() -> None:
    desk, flooder, other = Desk(), client_of(1), client_of(2)
    desk.cost = lambda content: 0.0002
    for number in range(30):
        desk.queue.arrived.append((flooder, b"f%d" % number))
        desk.queue.arrived.append((other, b"o%d" % number) if number < 2 else (client_of(number), b"x"))
    first = desk.tick(0.001)
    assert [content for content in first if content[:1] == b"o"] == [b"o0", b"o1"]
    assert first.count(b"x") == 28
    while desk.queue:
        desk.tick(0.001)
    of_the_flooder = [[content for content in tick if content[:1] == b"f"] for tick in desk.handled]
    assert [*chain(*of_the_flooder)] == [b"f%d" % number for number in range(30)]
    assert max(map(len, of_the_flooder)) <= 6, "the last may exceed the budget"
    assert min(map(len, of_the_flooder[:-1])) >= 4, "nor is it given less"
    assert flooder.waiting_bytes == 0


@pytest.mark.parametrize("budget", [0.0001, 0.001, 0.01])
def test_one_event_is_handled_in_each_tick_however_long_it_takes(budget: float) -> None:
    desk, slow = Desk(), client_of(1)
    desk.cost = lambda content: 0.5
    desk.queue.arrived.extend((slow, b"%d" % number) for number in range(5))
    assert [desk.tick(budget) for _ in range(5)] == [[b"%d" % number] for number in range(5)]


def test_what_is_refused_has_to_be_paid_for_in_full() -> None:
    desk, hostile, other = Desk(), client_of(1), client_of(2)
    desk.cost = lambda content: 0.01 if content == b"bad" else 0.0
    desk.refuses = lambda content: content == b"bad"
    for _ in range(100):
        desk.queue.arrived.extend([(hostile, b"bad"), (other, b"good")])
        desk.tick(0.001)
    handled = [*chain(*desk.handled)]
    assert handled.count(b"good") == 100
    assert handled.count(b"bad") <= 11
    hostile.waiting.clear()
    for _ in range(12):
        desk.tick(0.001)
    desk.queue.arrived.append((hostile, b"good"))
    assert desk.tick(0.001) == [b"good"], "who has paid is served again"


def test_who_leaves_is_not_gone_before_what_was_acknowledged_is_handled_and_the_rest_is_dropped() -> None:
    desk, leaver = Desk(), client_of(1)
    desk.queue.arrived.extend((leaver, b"%d" % number) for number in range(4))
    desk.queue.arrived.append((leaver, AcknowledgedEvent(b"last words")))
    desk.queue.arrived.extend((leaver, b"%d" % number) for number in range(4))
    gone = Event(CLIENT_LEFT)
    gone.sender = leaver
    desk.queue.arrived.append(gone)
    while desk.queue:
        desk.tick(0.0005)
    assert [*chain(*desk.handled)] == [b"0", b"last words", gone]
    assert desk.queue.dropped == 7


def test_events_of_this_side_cost_nobody_anything() -> None:
    desk = Desk()
    events = [Event("OWN") for _ in range(50)]
    desk.queue.arrived.extend(events)
    assert desk.tick() == events


@pytest.mark.parametrize("most", [1, 10, 500])
def test_what_waits_of_a_client_is_bounded_in_number_and_bytes(most: int) -> None:
    client = ClientEvents(1, ("there", 1), ServerConfig(max_waiting_events=most, max_waiting_event_bytes=10 * most))
    admitted = 0
    for tick in range(100):
        for _ in range(20):
            if client.admits(b"x", tick):
                admitted += 1
                client.put_off((client, b"x"))
    assert admitted <= most
    assert len(client.waiting) <= most
    acknowledged = AcknowledgedEvent(b"x")
    assert client.admits(acknowledged, 200), "it finds twice as much room"
    client.put_off((client, bytes(10 * most)))
    assert not client.admits(b"", 300)


# -- on a server, in virtual time --------------------------------------------------------------------------------------


class Place:
    """A server whose handlers take their time, and clients. ``own``: the handlers are the server's own."""

    def __init__(self, cost: float, own: bool = False, interval: float = 0.02, **config: Any) -> None:
        self.network = SimulatedNetwork(seed=3, link=Link(latency=0.002))
        self.got: dict[str, list[tuple[float, int]]] = {}
        self.cost = cost
        self.interval = interval
        handler: Any = self.handle
        self.backend: Any = Backend(
            GameState(n=0), lambda game_state, dt: {}, {} if own else {"HIT": handler}, config=ServerConfig(**config)
        )
        self.server: Server = self.backend.server
        if own:
            self.server.register_event_handler("HIT", handler)
        self.network.serve(self.backend, interval)

    def handle(self, name: str, number: int) -> None:
        self.got.setdefault(name, []).append((self.network.now, number))
        self.network.clock.advance(self.cost)

    def numbers(self, name: str) -> list[int]:
        return [number for _, number in self.got.get(name, [])]

    def join(self) -> Client:
        client = Client()
        self.network.connect(client)
        self.network.run_until(lambda: client.status == "connected")
        self.network.run(0.2)
        return client


@pytest.mark.parametrize("interval", [1 / 60, 0.05])
@pytest.mark.parametrize("own", [False, True])
def test_a_flood_takes_its_share_of_the_ticks_and_nobody_else_waits(own: bool, interval: float) -> None:
    share = 0.05
    place = Place(interval * share / 2.5, own, interval)
    loud, quiet = place.join(), place.join()
    seconds, sent = 3.0, 0
    end = place.network.now + seconds
    while place.network.now < end:
        for _ in range(int(0.02 / interval * 100) if interval < 0.02 else 60):
            loud.dispatch_event("HIT", "loud", sent)
            sent += 1
        quiet.dispatch_event("HIT", "quiet", len(place.got.get("quiet", [])))
        place.network.run(0.02)
    handled = len(place.numbers("loud"))
    ticks = seconds / interval
    assert handled * place.cost <= 1.3 * share * seconds + 3 * place.cost
    assert handled >= 2 * ticks, "its budget is its own"
    assert place.numbers("loud") == sorted(place.numbers("loud"))
    assert len(place.numbers("quiet")) >= 0.9 * seconds / 0.02 / max(interval / 0.02, 1)


@pytest.mark.parametrize("own", [False, True])
def test_a_burst_beyond_the_budget_is_handled_in_full_and_in_order(own: bool) -> None:
    place = Place(0.0009, own)
    client = place.join()
    for number in range(60):
        client.dispatch_event("HIT", "it", number, retries=RELIABLE)
    place.network.run(3.0)
    assert place.numbers("it") == list(range(60))
    times = [at for at, _ in place.got["it"]]
    assert times[-1] - times[0] > 0.3, "they have waited"
    assert client.status == "connected"


@pytest.mark.parametrize("own", [False, True])
def test_slow_handlers_starve_nobody(own: bool) -> None:
    place = Place(0.015, own)
    client = place.join()
    for number in range(5):
        client.dispatch_event("HIT", "it", number)
    place.network.run(1.0)
    assert place.numbers("it") == list(range(5))


def test_what_waits_too_long_is_dropped_and_counted() -> None:
    place = Place(0.001, max_waiting_events=50)
    client = place.join()
    for _ in range(20):
        for number in range(60):
            client.dispatch_event("HIT", "it", number)
        place.network.run(0.02)
    place.network.run(2.0)
    dropped = place.server.dropped["too many events between two ticks"]
    assert dropped > 100
    assert len(place.numbers("it")) + dropped == 1200


def test_the_log_says_so_once_a_second(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(0.001)
    monkeypatch.setattr(log_lines, "monotonic", place.network.clock)
    client = place.join()
    for number in range(300):
        client.dispatch_event("HIT", "it", number)
    place.network.run(3.5)
    told = [record.getMessage() for record in caplog.records if "event_share" in record.getMessage()]
    assert 2 <= len(told) <= 4
    assert f"client {client.id} (127.0.0.1:" in told[0]


@pytest.mark.parametrize("kind", FLOODS)
@pytest.mark.parametrize("own", [False, True])
@pytest.mark.interpreted
def test_the_data_of_an_unknown_type_is_not_looked_at(own: bool, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(0.0, own)
    client = place.join()
    made: list[int] = []
    real = msgpack.unpackb
    monkeypatch.setattr(
        "pygase._state.codec._unpackb", lambda data, **options: made.append(len(data)) or real(data, **options)
    )
    client.plumbing.endpoint.queue_event(flood(kind, 5000, b"\xa7UNKNOWN"), 0, None)
    client.plumbing.endpoint.queue_event(flood(kind, 5000, b"\xafpygase:whatever"), 0, None)
    client.plumbing.driver.wake()
    place.network.run(0.5)
    assert max(made, default=0) < 1000
    failures = place.backend.game_state_machine.plumbing.handlers.failures
    assert failures["unknown type"] == 1
    assert place.server.dropped["reserved event type"] == 1
    assert not place.server.dropped["malformed event"]


@pytest.mark.interpreted
def test_a_client_does_not_look_at_the_data_of_unknown_types_either(monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(0.0)
    client = place.join()
    made: list[int] = []
    real = msgpack.unpackb
    monkeypatch.setattr(
        "pygase._state.codec._unpackb", lambda data, **options: made.append(len(data)) or real(data, **options)
    )
    (peer,) = place.server.plumbing.run.endpoint.peers.values()
    peer.user.queue_event(flood("empty dicts", 5000, b"\xa7UNKNOWN"), 0, None)
    place.server.plumbing.run.driver.wake()
    place.network.run(0.5)
    assert max(made, default=0) < 1000
    assert client.plumbing.handlers.failures["unknown type"] == 1


def test_both_sides_may_allow_more_and_the_default_holds_for_both() -> None:
    got: list[int] = []
    many = 2 * MAX_EVENT_VALUES
    server_config, client_config = ServerConfig(max_event_values=3 * many), ClientConfig(max_event_values=3 * many)
    backend = Backend(
        GameState(n=0), lambda game_state, dt: {}, {"HIT": lambda data: got.append(len(data))}, config=server_config
    )
    network = SimulatedNetwork(seed=4)
    network.serve(backend)
    client, modest = Client(config=client_config), Client()
    for each in (client, modest):
        network.connect(each)
        each.register_event_handler("HIT", lambda data: got.append(len(data)))
    network.run(0.5)
    client.dispatch_event("HIT", [1] * many)
    with pytest.raises(MessageTooLarge, match="holds more than 20,000 values"):
        modest.dispatch_event("HIT", [1] * many)
    network.run(0.5)
    assert got == [many]
    with pytest.raises(MessageTooLarge):
        Server(GameStateStore()).dispatch_event("HIT", [1] * many)
    backend.server.dispatch_event("HIT", [1] * many)
    network.run(0.5)
    assert got == [many, many], "the modest one drops it"


# -- on real sockets ---------------------------------------------------------------------------------------------------


@pytest.mark.integration
@pytest.mark.parametrize("own", [False, True])
def test_on_real_sockets_the_quiet_are_served_while_a_flood_waits(own: bool) -> None:
    handled: list[str] = []
    done = threading.Event()

    def handle(name: str) -> None:
        handled.append(name)
        if name == "quiet":
            done.set()
        else:
            time.sleep(0.004)

    backend = Backend(GameState(n=0), lambda game_state, dt: {}, {} if own else {"HIT": handle})
    if own:
        backend.server.register_event_handler("HIT", handle)
    backend.run_in_thread("127.0.0.1", interval=0.02)
    loud, quiet = Client(), Client()
    try:
        for client in (loud, quiet):
            client.connect_in_thread(backend.server.port or 0, "127.0.0.1")
            client.wait_until(lambda state: "n" in state, timeout=10)
        for _ in range(500):
            loud.dispatch_event("HIT", "loud", retries=RELIABLE)
        while handled.count("loud") < 3:
            time.sleep(0.01)
        quiet.dispatch_event("HIT", "quiet", retries=RELIABLE)
        assert done.wait(30)
        assert handled.count("loud") < 400, "the flood has not been handled first"
        assert loud.status == quiet.status == "connected"
    finally:
        loud.disconnect()
        quiet.disconnect()
        backend.shutdown()
