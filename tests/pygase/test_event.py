"""Events: their bytes, and the arguments that a handler gets."""

import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygase import Backend, Client, GameState
from pygase._diagnostics.log_lines import LogLines
from pygase._state.codec import pack
from pygase._state.event_codec import decode_event, encode_event
from pygase.errors import InvalidValue, MalformedPacket, MessageTooLarge
from pygase.event import (
    ANY_EVENT,
    CLIENT_CONNECTED,
    CLIENT_LEFT,
    CLIENT_RESUMED,
    CONNECTED,
    DISCONNECTED,
    Event,
    UniversalEventHandler,
)
from pygase.testing import ManualClock, SimulatedNetwork
from tests.support.trees import exact, values

CONTEXT = {"game_state": "the state", "dt": 0.02, "client_id": 3, "client_address": ("10.0.0.1", 5000)}


def handler_of(function: Any, event_type: str = "E") -> UniversalEventHandler:
    handler = UniversalEventHandler()
    handler.register_event_handler(event_type, function)
    return handler


def event(*args: Any, **kwargs: Any) -> Event:
    return Event("E", *args, **kwargs)


# -- events ----------------------------------------------------------------------------------------------------------


def test_an_event_has_a_type_and_data() -> None:
    shot = Event("SHOT", 1, "x", power=0.5)
    assert (shot.type, shot.handler_args, shot.handler_kwargs) == ("SHOT", [1, "x"], {"power": 0.5})
    assert shot.client_address is None
    assert repr(shot) == "Event('SHOT', 1, 'x', power=0.5)"


def test_an_event_survives_the_way_to_bytes_and_back() -> None:
    shot = Event("SHOT", 1, (2, 3), power={"a": [1]})
    back = Event.from_bytes(shot.to_bytes())
    assert back == Event("SHOT", 1, [2, 3], power={"a": [1]})


@given(st.lists(values, max_size=3), st.dictionaries(st.text(max_size=5), values, max_size=3))
def test_what_is_encoded_is_decoded_exactly(args: list[Any], kwargs: dict[str, Any]) -> None:
    event_type, decoded_args, decoded_kwargs = decode_event(encode_event("SHOT", tuple(args), kwargs, 10_000))
    assert event_type == "SHOT"
    assert exact(decoded_args) == exact(args)
    assert exact(decoded_kwargs) == exact(kwargs)


def test_what_cannot_be_sent_is_refused_by_path_and_type() -> None:
    with pytest.raises(InvalidValue, match=r"event 'SHOT': args\[1\] is of type set"):
        encode_event("SHOT", (1, {2}), {}, 1000)
    with pytest.raises(InvalidValue, match=r"event 'SHOT': kwargs\.at\.x is of type complex"):
        encode_event("SHOT", (), {"at": {"x": 1j}}, 1000)
    with pytest.raises(InvalidValue, match="event_type must be a str"):
        encode_event(5, (), {}, 1000)  # type: ignore[arg-type]


def test_an_event_larger_than_the_bound_is_refused_with_both_sizes_and_the_bound_itself_passes() -> None:
    overhead = len(encode_event("SHOT", (bytes(300),), {}, 1000)) - 300
    assert len(encode_event("SHOT", (bytes(1000 - overhead),), {}, 1000)) == 1000
    with pytest.raises(MessageTooLarge, match=r"takes 1,001 bytes, at most 1,000 are allowed") as caught:
        encode_event("SHOT", (bytes(1001 - overhead),), {}, 1000)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    "own", [ANY_EVENT, CONNECTED, DISCONNECTED, CLIENT_CONNECTED, CLIENT_LEFT, CLIENT_RESUMED, "pygase:x"]
)
def test_pygases_own_types_cannot_be_sent(own: str) -> None:
    with pytest.raises(ValueError, match="are PyGaSe's own"):
        encode_event(own, (), {}, 1000)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xc1",
        pack(5),
        pack({}),
        pack([]),
        pack([5]),
        pack([b"SHOT"]),
        pack(["SHOT", 5]),
        pack(["SHOT", {}]),
        pack(["SHOT", [], []]),
        pack(["SHOT", [], {1: 2}]),
        pack(["SHOT", [], {b"x": 2}]),
        pack(["SHOT", [], {}, 1]),
    ],
)
def test_bytes_that_are_no_event_are_malformed(payload: bytes) -> None:
    with pytest.raises(MalformedPacket):
        decode_event(payload)


# -- dispatch --------------------------------------------------------------------------------------------------------


def test_a_handler_gets_the_data_and_what_of_the_context_its_signature_takes() -> None:
    assert handler_of(lambda: "none").handle(event(), **CONTEXT) == "none"
    assert handler_of(lambda bar, game_state, dt: (bar, game_state, dt)).handle(event(5), **CONTEXT) == (
        5,
        "the state",
        0.02,
    )
    assert handler_of(lambda *, client_address: client_address[1]).handle(event(), **CONTEXT) == 5000
    assert handler_of(lambda a, b=2, *c, dt=None: (a, b, c, dt)).handle(event(1, 5, 6), **CONTEXT) == (
        1,
        5,
        (6,),
        0.02,
    )


def test_a_handler_with_kwargs_gets_the_whole_context() -> None:
    assert handler_of(lambda **kwargs: kwargs).handle(event(x=1), **CONTEXT) == {"x": 1, **CONTEXT}


def test_the_example_of_the_documentation_works() -> None:
    assert handler_of(lambda new_bar, game_state, dt: {"bar": new_bar}).handle(event(new_bar=3), **CONTEXT) == {
        "bar": 3
    }


def test_methods_and_callable_objects_are_handlers() -> None:
    class Game:
        def on_shot(self, power: int, client_address: Any) -> Any:
            return power, client_address

        def __call__(self, power: int, dt: float) -> Any:
            return power, dt

    game = Game()
    assert handler_of(game.on_shot).handle(event(7), **CONTEXT) == (7, CONTEXT["client_address"])
    assert handler_of(game).handle(event(7), **CONTEXT) == (7, 0.02)


def test_a_later_handler_replaces_an_earlier_one() -> None:
    handler = handler_of(lambda: 1)
    handler.register_event_handler("E", lambda: 2)
    assert handler.handle(event()) == 2


@pytest.mark.parametrize(
    "function", [lambda **kwargs: kwargs, lambda client_id, client_address, game_state, dt: locals()]
)
def test_no_peer_can_pose_as_another_or_slip_in_a_state(function: Any) -> None:
    hostile = event(client_id=6, client_address=("6.6.6.6", 6), game_state="forged", dt=1e9)
    assert handler_of(function).handle(hostile, **CONTEXT) == CONTEXT


def test_positional_data_cannot_take_the_contexts_place_either() -> None:
    called = []
    handler = handler_of(lambda client_address, dt: called.append(client_address))
    handler.handle(event(("6.6.6.6", 6)), **CONTEXT)
    assert called == []
    assert handler.failures["wrong arguments"] == 1


@pytest.mark.parametrize(
    "hostile",
    [event(client_address=1), event(1, 2, 3), event(), event(other=1), event(1, bar=1), event(**{"": 1, "a b": 2})],
)
def test_wrong_arguments_are_counted_and_logged_with_type_and_signature(
    hostile: Event, caplog: pytest.LogCaptureFixture
) -> None:
    called = []
    handler = handler_of(lambda bar, game_state: called.append(bar))
    with caplog.at_level(logging.WARNING, "pygase"):
        sender = {"client_id": 7, "client_address": ("10.0.0.7", 700)}
        assert handler.handle(hostile, game_state="the state", **sender) is None
    assert called == []
    assert handler.failures["wrong arguments"] == 1
    assert "'E' from client 7 (10.0.0.7:700)" in caplog.text
    assert "(bar, game_state)" in caplog.text


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda bar, client_adress: 1, "'client_adress' (did you mean 'client_address'?)"),
        (lambda bar, client: 1, "'client' (did you mean 'client_id'?)"),
        (lambda game_state, bar: 1, "'game_state' (write the event's own values first, and game_state after them)"),
        (lambda bar, *, gamestate: 1, "'gamestate' (did you mean 'game_state'?)"),
        (lambda bar, reson, client_address: 1, "'reson' (did you mean 'reason'?)"),
    ],
)
def test_a_misspelt_name_is_told_with_the_one_that_may_be_meant(
    function: Any, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    sent = event(5)
    sent.details = {"reason": "it has left"}
    with caplog.at_level(logging.WARNING, "pygase"):
        handler_of(function).handle(sent, **CONTEXT)
    assert words in caplog.text


@pytest.mark.parametrize(
    ("function", "sent"),
    [
        (lambda bar, colour: 1, event(5)),
        (lambda x, d: 1, event(5)),
        (lambda client_id, client_address, client: 1, event()),
        (lambda bar: 1, event(5, client_adress=3)),
    ],
)
def test_nothing_is_suggested_for_what_only_was_not_sent(
    function: Any, sent: Event, caplog: pytest.LogCaptureFixture
) -> None:
    handler = handler_of(function)
    with caplog.at_level(logging.WARNING, "pygase"):
        handler.handle(sent, **CONTEXT)
    assert handler.failures["wrong arguments"] == 1
    assert "did you mean" not in caplog.text


def test_an_unknown_type_is_counted_and_logged_with_those_that_are_known(
    caplog: pytest.LogCaptureFixture,
) -> None:
    handler = handler_of(lambda: 1, "SHOT")
    handler.register_event_handler(CLIENT_LEFT, lambda: 1)
    with caplog.at_level(logging.WARNING, "pygase"):
        assert handler.handle(Event("SHOOT")) is None
    assert handler.failures["unknown type"] == 1
    assert "'SHOOT'" in caplog.text
    assert "known are: SHOT, CLIENT_LEFT" in caplog.text
    assert CLIENT_LEFT not in caplog.text, "a program writes it as the constant"


def test_a_peer_cannot_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    handler = handler_of(lambda: 1)
    with caplog.at_level(logging.WARNING, "pygase"):
        for number in range(1000):
            handler.handle(Event(f"unknown {number}" * 1000))
            handler.handle(event("too many"))
    assert handler.failures == {"unknown type": 1000, "wrong arguments": 1000}
    assert len(caplog.records) <= UniversalEventHandler.MAX_TYPES_WARNED_OF + 4
    assert len(caplog.text) < 20_000


def test_what_a_handler_itself_raises_is_raised_even_a_type_error() -> None:
    def broken(bar: int) -> None:
        len(bar)  # type: ignore[arg-type]

    handler = handler_of(broken)
    with pytest.raises(TypeError, match="has no len"):
        handler.handle(event(5))
    assert not handler.failures


def test_a_coroutine_function_gives_its_coroutine() -> None:
    async def slow(bar: int) -> int:
        return bar

    coroutine = handler_of(slow).handle(event(3))
    with pytest.raises(StopIteration) as stop:
        coroutine.send(None)
    assert stop.value.value == 3


@pytest.mark.parametrize("wrong", [None, 5, "name", {}])
def test_what_cannot_be_called_is_refused_at_once(wrong: Any) -> None:
    with pytest.raises(TypeError, match="must be a function"):
        UniversalEventHandler().register_event_handler("E", wrong)


def test_an_event_type_that_is_no_str_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match="event_type must be a str"):
        UniversalEventHandler().register_event_handler(5, print)  # type: ignore[arg-type]


def test_each_misspelt_type_is_told_of_but_not_ever_more_of_them(caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock()
    handler = UniversalEventHandler(LogLines(clock))
    for _ in range(50):
        handler.handle(Event("MOEV"))
    handler.handle(Event("JUMPP"))
    told = [record.getMessage() for record in caplog.records]
    assert ["MOEV" in text for text in told] == [True, True, False]
    assert "JUMPP" in told[-1]
    caplog.clear()
    for number in range(5_000):
        handler.handle(Event(f"type {number}"))
    assert len(caplog.records) <= handler.MAX_TYPES_WARNED_OF
    caplog.clear()
    for number in range(1_024):
        clock.advance(1 / 128)
        handler.handle(Event(f"type {number}"))
    assert len(caplog.records) == 8
    assert caplog.records[-1].getMessage().endswith("(and 127 more such lines left out)")
    assert handler.kinds_warned_of <= handler.MAX_TYPES_WARNED_OF + 1


def test_who_puts_the_name_of_an_own_event_in_quotes_is_told(caplog: pytest.LogCaptureFixture) -> None:
    handler = UniversalEventHandler()
    handler.register_event_handler(CLIENT_CONNECTED, lambda client_address: None)
    assert not caplog.records
    handler.register_event_handler("CLIENT_CONNECTED", lambda client_address: None)
    assert "from pygase import CLIENT_CONNECTED" in caplog.text


# -- decorators, and handlers that go -------------------------------------------------------------------------------


def test_a_decorator_registers_a_handler_and_leaves_the_function_as_it_is() -> None:
    backend, client = Backend(GameState(score=0), lambda game_state, dt: {}), Client()

    @backend.on("GOAL")
    def goal(points: int, game_state: GameState) -> dict[str, int]:
        return {"score": game_state.score + points}

    @client.on("NEWS")
    @client.on("CHAT")
    def show(text: str) -> str:
        shown.append(text)
        return text

    shown: list[str] = []
    network = SimulatedNetwork(seed=1)
    network.serve(backend, interval=1 / 30)
    network.connect(client)
    network.run(0.3)
    client.dispatch_event("GOAL", 3)
    backend.server.dispatch_event("NEWS", "3 points")
    network.run(0.3)
    with client.access_game_state() as game_state:
        assert game_state.score == 3
    assert shown == ["3 points"]
    assert show("again") == "again"


@pytest.mark.parametrize("wrong", [None, 3])
def test_a_decorator_takes_an_event_type(wrong: Any) -> None:
    with pytest.raises(TypeError, match="event_type must be a str"):
        Client().on(wrong)(print)


def test_a_decorator_without_its_event_type_is_refused() -> None:
    client: Any = Client()
    with pytest.raises(TypeError, match=r'@client\.on\("TYPE"\)'):

        @client.on
        def handler() -> None: ...


def test_a_handler_that_is_unregistered_gets_nothing_more() -> None:
    backend, client = Backend(GameState(score=0), lambda game_state, dt: {}), Client()
    calls: list[str] = []
    backend.server.register_event_handler("SHOT", lambda: calls.append("server"))
    backend.on("SHOT")(lambda: calls.append("loop"))
    network = SimulatedNetwork(seed=1)
    network.serve(backend, interval=1 / 30)
    network.connect(client)
    network.run(0.3)
    client.dispatch_event("SHOT")
    network.run(0.3)
    assert sorted(calls) == ["loop", "server"]
    assert backend.game_state_machine.unregister_event_handler("SHOT")
    assert not backend.game_state_machine.unregister_event_handler("SHOT")
    client.dispatch_event("SHOT")
    network.run(0.3)
    assert sorted(calls) == ["loop", "server", "server"]
    assert backend.server.unregister_event_handler("SHOT")
    client.dispatch_event("SHOT")
    network.run(0.3)
    assert len(calls) == 3


def test_a_handler_may_unregister_itself_and_another_may_follow(caplog: pytest.LogCaptureFixture) -> None:
    client = Client()
    calls: list[str] = []

    @client.on("NEWS")
    def once(text: str) -> None:
        calls.append(text)
        client.unregister_event_handler("NEWS")

    backend = Backend(GameState(), lambda game_state, dt: {})
    network = SimulatedNetwork(seed=1)
    network.serve(backend, interval=1 / 30)
    network.connect(client)
    network.run(0.3)
    for text in ("one", "two"):
        backend.server.dispatch_event("NEWS", text)
    network.run(0.3)
    assert calls == ["one"]
    client.on("NEWS")(calls.append)
    backend.server.dispatch_event("NEWS", "three")
    network.run(0.3)
    assert calls == ["one", "three"]
    assert "replaces the first one" not in caplog.text


@pytest.mark.parametrize("event_type", ["NEWS", ANY_EVENT])
def test_a_clients_handler_may_take_the_tick_of_the_state_before_the_event(event_type: str) -> None:
    backend, client = Backend(GameState(turn=0), lambda game_state, dt: {"turn": game_state.turn + 1}), Client()
    seen: list[tuple[int | None, int]] = []

    @client.on(event_type)
    def note(*args: Any, server_tick: int | None, **kwargs: Any) -> None:
        assert "server_tick" not in kwargs
        if args[-1] == "news":
            assert server_tick is not None
            state = next(snapshot for snapshot in client.snapshots if snapshot.tick >= server_tick)
            seen.append((server_tick, state.state["turn"]))
        else:  # CONNECTED, of the client itself
            assert server_tick is None

    network = SimulatedNetwork(seed=1)
    network.serve(backend, interval=1 / 30)
    network.connect(client)
    for _ in range(5):
        network.run(0.1)
        backend.server.dispatch_event("NEWS", "news")
    network.run(0.1)
    newest = client.snapshots[-1]
    assert len(seen) == 5
    assert seen == [(tick, newest.state["turn"] - (newest.tick - tick)) for tick, _ in seen]


def test_a_handler_without_that_parameter_gets_the_events_own_data_alone() -> None:
    backend, client = Backend(GameState(), lambda game_state, dt: {}), Client()
    seen: list[Any] = []
    client.on("NEWS")(lambda *args, **kwargs: seen.append((args, kwargs)))
    network = SimulatedNetwork(seed=1)
    network.serve(backend, interval=1 / 30)
    network.connect(client)
    network.run(0.2)
    backend.server.dispatch_event("NEWS", 1, place=2)
    network.run(0.2)
    assert seen == [((1,), {"place": 2})]
