"""No log grows with an event that a peer, or a loop, can repeat."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pygase import Backend, Client, GameState, GameStateUpdate, Server
from pygase._diagnostics import log_lines
from pygase._diagnostics.log_lines import MAX_KINDS, LogLines
from pygase.gamestate import GameState as State
from pygase.store import GameStateStore
from pygase.testing import ManualClock, SimulatedNetwork

PER_SECOND = 200
SECONDS = 4


@pytest.fixture
def written(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[logging.LogRecord]]:
    """The records of a test. The clock of the log, which a test may replace, is restored after it."""
    monkeypatch.setattr(log_lines, "monotonic", log_lines.monotonic)
    records: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = records.append  # type: ignore[method-assign]
    logger = logging.getLogger("pygase")
    logger.addHandler(handler)
    with caplog.at_level(logging.DEBUG, "pygase"):
        yield records
    logger.removeHandler(handler)


def texts(records: list[logging.LogRecord]) -> list[str]:
    return [record.getMessage() for record in records]


@pytest.mark.parametrize("rate", [1, 7, 1000])
def test_one_line_of_a_kind_and_a_second_is_written_and_the_rest_counted(
    rate: int, written: list[logging.LogRecord]
) -> None:
    clock = ManualClock()
    log = LogLines(clock)
    for number in range(3 * rate):
        log.write(logging.WARNING, "event %d was not sent", number, kind="not sent")
        clock.advance(1 / rate + 1e-9)
    assert len(written) == 3
    assert texts(written)[0] == "event 0 was not sent"
    left_out = f" (and {rate - 1} more such lines left out)" if rate > 1 else ""
    assert texts(written)[1] == f"event {rate} was not sent{left_out}"


def test_kinds_do_not_hide_each_other(written: list[logging.LogRecord]) -> None:
    log = LogLines(ManualClock())
    for _ in range(10):
        log.write(logging.ERROR, "one %d", 1)
        log.write(logging.ERROR, "two")
    assert texts(written) == ["one 1", "two"]


def test_an_error_is_of_another_kind_if_it_comes_from_another_line(written: list[logging.LogRecord]) -> None:
    log = LogLines(ManualClock())

    def fail(number: int) -> None:
        if number % 2:
            raise ValueError(f"odd: {number}")
        raise ValueError(f"even: {number}")

    for number in range(20):
        try:
            fail(number)
        except ValueError as error:
            log.write(logging.ERROR, "raised %r", error, error=error)
    assert texts(written) == ["raised ValueError('even: 0')", "raised ValueError('odd: 1')"]
    assert all(record.exc_info for record in written)


def test_only_the_first_line_of_a_kind_has_the_traceback(written: list[logging.LogRecord]) -> None:
    clock = ManualClock()
    log = LogLines(clock)
    for _ in range(30):
        log.write(logging.ERROR, "raised", error=RuntimeError())
        clock.advance(0.1)
    assert [record.exc_info is not None for record in written] == [True, False, False]


def test_memory_and_lines_are_bounded_even_if_there_are_ever_other_kinds(written: list[logging.LogRecord]) -> None:
    clock = ManualClock()
    log = LogLines(clock)
    for number in range(5000):
        log.write(logging.ERROR, "kind", kind=number)
    assert len(written) == MAX_KINDS + 1
    assert log.kinds <= MAX_KINDS
    clock.advance(1.5)
    log.write(logging.ERROR, "the latest", kind="a new one")
    assert texts(written)[-1] == "the latest"
    assert log.kinds <= MAX_KINDS


def test_what_is_not_enabled_costs_no_words(caplog: pytest.LogCaptureFixture) -> None:
    log = LogLines(ManualClock())
    with caplog.at_level(logging.WARNING, "pygase"):
        log.write(logging.DEBUG, "%s", 1)
    assert log.kinds == 0
    assert not caplog.records


# -- each place where a peer or a loop writes ------------------------------------------------------------------------


def fail(*args: Any, **kwargs: Any) -> None:
    raise RuntimeError(f"a bug, {args}")


async def fail_later(*args: Any, **kwargs: Any) -> None:
    raise RuntimeError(f"a bug, {args}")


class Place:
    """A server with a client, for some seconds of virtual time in which something happens ever again."""

    def __init__(self, backend: Backend | Server, wire: Any = None) -> None:
        self.network = SimulatedNetwork(seed=1)
        server = backend.server if isinstance(backend, Backend) else backend
        self.server, self.client = server, Client()
        log_lines.monotonic = self.network.clock
        self.network.serve(backend, event_wire=wire)
        self.network.connect(self.client)
        self.network.run(0.5)
        assert self.client.status == "connected"

    def repeat(self, do: Callable[[], Any]) -> None:
        for _ in range(SECONDS * PER_SECOND):
            do()
            self.network.run(1 / PER_SECOND)
        self.network.run(0.3)


def lines_with(records: list[logging.LogRecord], words: str) -> list[str]:
    found = [text for text in texts(records) if words in text]
    size = sum(len(logging.Formatter().format(record)) for record in records)
    assert size < 20_000, f"{size} bytes of log"
    return found


def check(records: list[logging.LogRecord], words: str) -> None:
    found = lines_with(records, words)
    assert SECONDS <= len(found) <= SECONDS + 2, texts(records)
    assert "more such lines left out" in found[1]


def game(handlers: dict[str, Any] | None = None) -> Backend:
    return Backend(State(n=0), lambda game_state, dt: {}, handlers or {})


@pytest.mark.parametrize("handler", [fail, fail_later])
def test_a_failing_handler_of_the_game_loop(handler: Any, written: list[logging.LogRecord]) -> None:
    place = Place(game({"HIT": handler}))
    place.repeat(lambda: place.client.dispatch_event("HIT", "x" * 30))
    check(written, "the handler of event 'HIT'")


@pytest.mark.parametrize("handler", [fail, fail_later])
def test_a_failing_handler_of_the_server(handler: Any, written: list[logging.LogRecord]) -> None:
    backend = game()
    backend.server.register_event_handler("HIT", handler)
    place = Place(backend)
    place.repeat(lambda: place.client.dispatch_event("HIT", "x" * 30))
    check(written, "the handler of event 'HIT' raised RuntimeError")


@pytest.mark.parametrize("handler", [fail, fail_later])
def test_a_failing_handler_of_the_client(handler: Any, written: list[logging.LogRecord]) -> None:
    place = Place(game())
    place.client.register_event_handler("HIT", handler)
    place.repeat(lambda: place.server.dispatch_event("HIT", "x" * 30))
    check(written, "the handler of event 'HIT' raised RuntimeError")


@pytest.mark.parametrize("callback", [fail, fail_later])
@pytest.mark.parametrize("side", ["client", "server"])
def test_a_failing_callback(side: str, callback: Any, written: list[logging.LogRecord]) -> None:
    place = Place(game({"HIT": lambda: None}))
    place.client.register_event_handler("HIT", lambda: None)
    sender: Any = place.client if side == "client" else place.server
    place.repeat(lambda: sender.dispatch_event("HIT", ack_callback=lambda *args: callback(*args)))
    check(written, "raised RuntimeError")


@pytest.mark.parametrize("push", [fail, fail_later])
def test_a_failing_event_wire(push: Any, written: list[logging.LogRecord]) -> None:
    class Wire:
        _push_event = staticmethod(push)

    server = Server(GameStateStore(State(n=0)))
    place = Place(server, Wire())
    place.repeat(lambda: place.client.dispatch_event("HIT"))
    check(written, "the event wire")


def test_events_for_nobody(written: list[logging.LogRecord]) -> None:
    place = Place(game())
    place.repeat(lambda: place.server.dispatch_event("HIT", target_client=("10.9.8.7", 5)))
    check(written, "was not sent")


def test_events_of_a_server_that_does_not_run(written: list[logging.LogRecord]) -> None:
    server = Server(GameStateStore(GameState()))
    for _ in range(1000):
        server.dispatch_event("HIT")
    assert len(lines_with(written, "was not sent")) == 1


def test_more_reliable_events_than_can_wait(written: list[logging.LogRecord]) -> None:
    place = Place(game())
    place.network.partition(place.client)
    for _ in range(10_000):
        place.server.dispatch_event("HIT", retries=3)
    assert len(lines_with(written, "was not sent")) == 1


def test_those_who_come_and_go(written: list[logging.LogRecord]) -> None:
    backend = game()
    place = Place(backend)
    for _ in range(60):
        client = Client()
        place.network.connect(client)
        place.network.run(0.05)
        client.disconnect()
        place.network.run(0.05)
    assert len(lines_with(written, "has connected")) <= 9
    assert len(lines_with(written, "has left")) <= 9


def test_events_that_nobody_can_read(written: list[logging.LogRecord]) -> None:
    place = Place(game())
    peer = next(iter(place.server.plumbing.run.endpoint.peers.values()))
    place.repeat(lambda: peer.user.queue_event(b"\xc1", 0, None) or place.server.plumbing.run.driver.wake())
    check(written, "dropped an event")


def test_updates_that_are_too_large_during_a_tick(written: list[logging.LogRecord]) -> None:
    import threading

    store = GameStateStore(GameState(a=""), max_state_bytes=1000)
    clock = ManualClock()
    log_lines.monotonic = clock
    for _ in range(300):
        store.plumbing.begin_tick()
        update = GameStateUpdate(0, a="x" * 2000)
        thread = threading.Thread(target=lambda update=update: store.push_update(update))
        thread.start()
        thread.join()
        store.plumbing.end_tick(clock())
        clock.advance(0.01)
    assert len(lines_with(written, "an update pushed during a tick")) in (3, 4)
