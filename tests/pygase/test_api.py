"""The documented API, name by name: imports, every parameter and default, and types."""

import importlib
import inspect
from typing import Any

import pytest

import pygase
from pygase import Backend, Client, GameState, GameStateMachine, GameStateStore, Server

REQUIRED = inspect.Parameter.empty

DOCUMENTED: list[tuple[Any, str, dict[str, Any]]] = [
    (GameState, "__init__", {"time_order": 0, "game_status": 0, "**": "kwargs"}),
    (GameState, "is_paused", {}),
    (Backend, "run", {"hostname": ..., "port": ..., "interval": 0.02}),
    (Backend, "shutdown", {}),
    (GameStateStore, "__init__", {"initial_game_state": None}),
    (GameStateStore, "get_update_cache", {}),
    (GameStateStore, "get_game_state", {}),
    (GameStateStore, "push_update", {"update": REQUIRED}),
    (GameStateMachine, "__init__", {"game_state_store": REQUIRED}),
    (GameStateMachine, "register_event_handler", {"event_type": REQUIRED, "event_handler_function": REQUIRED}),
    (GameStateMachine, "run_game_loop", {"interval": 0.02}),
    (GameStateMachine, "run_game_loop_in_thread", {"interval": 0.02}),
    (GameStateMachine, "stop", {"timeout": 1.0}),
    (GameStateMachine, "time_step", {"game_state": REQUIRED, "dt": REQUIRED}),
    (Server, "__init__", {"game_state_store": REQUIRED}),
    (Server, "run", {"port": 0, "hostname": "localhost", "event_wire": None}),
    (Server, "run_in_thread", {"port": 0, "hostname": "localhost", "event_wire": None, "daemon": True}),
    (Server, "shutdown", {}),
    (
        Server,
        "dispatch_event",
        {
            "event_type": REQUIRED,
            "*": "args",
            "target_client": "all",
            "retries": 0,
            "ack_callback": None,
            "**": "kwargs",
        },
    ),
    (Server, "register_event_handler", {"event_type": REQUIRED, "event_handler_function": REQUIRED}),
    (Client, "__init__", {}),
    # (a client with an invite needs no port)
    (Client, "connect", {"port": None, "hostname": "localhost"}),
    (Client, "connect_in_thread", {"port": None, "hostname": "localhost"}),
    (Client, "disconnect", {"shutdown_server": False}),
    (Client, "access_game_state", {}),
    (Client, "wait_until", {"game_state_condition": REQUIRED, "timeout": 1.0}),
    (Client, "try_to", {"function": REQUIRED, "timeout": 1.0}),
    (
        Client,
        "dispatch_event",
        {"event_type": REQUIRED, "*": "args", "retries": 0, "ack_callback": None, "**": "kwargs"},
    ),
    (Client, "register_event_handler", {"event_type": REQUIRED, "event_handler_function": REQUIRED}),
]


def parameters(function: Any) -> list[inspect.Parameter]:
    return [p for p in inspect.signature(function).parameters.values() if p.name != "self"]


def stars(parameter: inspect.Parameter) -> str:
    kinds = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    return kinds.get(parameter.kind, "")


@pytest.mark.parametrize(
    ("owner", "name", "documented"), DOCUMENTED, ids=[f"{o.__name__}.{n}" for o, n, _ in DOCUMENTED]
)
def test_parameters_have_the_documented_names_order_and_defaults(
    owner: type, name: str, documented: dict[str, Any]
) -> None:
    there = parameters(getattr(owner, name))
    positions = []
    for expected, default in documented.items():
        if expected in ("*", "**"):
            (found,) = [p for p in there if stars(p) == expected]
            assert found.name == default
        else:
            (found,) = [p for p in there if p.name == expected]
            if default is not ...:
                assert found.default == default
                assert type(found.default) is type(default)
        positions.append(there.index(found))
    assert positions == sorted(positions)
    for extra in there:  # other names must not get in the way of a documented call
        if extra.name not in documented and not stars(extra):
            assert extra.kind is inspect.Parameter.KEYWORD_ONLY
            assert extra.default is not REQUIRED


def test_the_backends_constructor_takes_the_documented_arguments_in_their_order() -> None:
    names = [p.name for p in parameters(Backend.__init__)][:3]
    assert names == ["initial_game_state", "time_step_function", "event_handlers"]
    backend = Backend(GameState(x=1), lambda game_state, dt: {}, {"E": lambda: None})
    assert isinstance(backend.game_state_store, GameStateStore)
    assert isinstance(backend.game_state_machine, GameStateMachine)
    assert isinstance(backend.server, Server)
    assert backend.game_state_store.get_game_state().x == 1
    assert backend.game_state_machine.has_event_type("E")
    assert backend.server.game_state_store is backend.game_state_store


def test_the_backend_also_goes_by_the_spelling_of_the_documentations_example() -> None:
    backend = Backend(
        initial_gamestate=GameState(foo=0.0, bar=0.5),
        time_step_function=lambda game_state, dt: {"foo": game_state.foo + game_state.bar * dt},
        event_handlers={
            "RESET_FOO": lambda game_state, dt: {"foo": 0.0},
            "SET_BAR": lambda new_bar, game_state, dt: {"bar": new_bar},
        },
    )
    backend.game_state_machine.plumbing.tick(2.0, 1.0)
    assert backend.game_state_store.get_game_state().foo == 1.0


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"initial_game_state": GameState(), "initial_gamestate": GameState(), "time_step_function": print},
        {"initial_game_state": GameState()},
        {"initial_game_state": GameState(), "time_step_function": {"x": 1}},
        {"initial_game_state": {"x": 1}, "time_step_function": print},
    ],
)
def test_a_backend_made_wrongly_says_so_at_once(arguments: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        Backend(**arguments)


@pytest.mark.parametrize(
    ("module", "names"),
    [
        (
            "pygase",
            """Client GameState GameStateStore GameStateMachine Server Backend get_available_ip_addresses
            get_availabe_ip_addresses GameStateUpdate GameStatus TO_DELETE ConnectionStatus RELIABLE""",
        ),
        ("pygase.gamestate", "GameState GameStateUpdate GameStatus TO_DELETE"),
        ("pygase.event", "Event UniversalEventHandler"),
        ("pygase.utils", "Sendable Sqn Comparable LockedResource get_available_ip_addresses"),
        ("pygase.connection", "ConnectionStatus ClientConnection ServerConnection"),
        ("pygase.backend", "Backend GameStateStore GameStateMachine Server"),
        ("pygase.client", "Client"),
    ],
)
def test_everything_is_importable_from_where_the_documentation_says(module: str, names: str) -> None:
    imported = importlib.import_module(module)
    for name in names.split():
        assert hasattr(imported, name), f"{module}.{name}"
        public = getattr(pygase, name, None)
        assert public is None or public is getattr(imported, name)


def test_all_public_names_exist_and_are_listed_once() -> None:
    assert len(set(pygase.__all__)) == len(pygase.__all__)
    for name in pygase.__all__:
        assert getattr(pygase, name) is not None


def test_the_old_spelling_of_the_addresses_function_works() -> None:
    assert pygase.get_availabe_ip_addresses is pygase.get_available_ip_addresses
    assert pygase.get_availabe_ip_addresses()[-1] == "127.0.0.1"
    assert pygase.utils.get_available_ip_addresses is pygase.get_available_ip_addresses


def test_every_public_class_and_method_has_a_docstring() -> None:
    for name in pygase.__all__:
        thing = getattr(pygase, name)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            assert inspect.getdoc(thing), name
        if inspect.isclass(thing):
            for member, function in vars(thing).items():
                if inspect.isfunction(function) and not member.startswith("_"):
                    assert inspect.getdoc(function), f"{name}.{member}"


def test_statuses_are_named_ints() -> None:
    assert pygase.GameStatus.get("Paused") == 0
    assert pygase.GameStatus.get("Active") == 1
    assert [pygase.ConnectionStatus.get(n) for n in ("Disconnected", "Connected", "Connecting")] == [2, 3, 4]
    assert [pygase.ConnectionStatus.get(value) for value in (2, 3, 4)] == ["Disconnected", "Connected", "Connecting"]
    assert pygase.ConnectionStatus.get("Reconnecting") == 5
    for none_of_them in (0, 1, 6):
        with pytest.raises(ValueError, match="'Disconnected' \\(2\\)"):
            pygase.ConnectionStatus.get(none_of_them)


def test_a_server_that_does_not_run_has_no_name_no_port_no_clients_and_no_host() -> None:
    server = Server(GameStateStore())
    assert (server.hostname, server.port, server.connections, server.host_client) == (None, None, {}, None)


def test_host_name_and_port_of_a_server_are_read_only() -> None:
    server = Server(GameStateStore())
    with pytest.raises(AttributeError):
        server.port = 5  # type: ignore[misc]
    with pytest.raises(AttributeError):
        server.hostname = "x"  # type: ignore[misc]


@pytest.mark.parametrize("wrong", [None, GameState(), {}])
def test_a_server_needs_a_store(wrong: Any) -> None:
    with pytest.raises(TypeError, match="must be a GameStateStore"):
        Server(wrong)


@pytest.mark.parametrize("wrong", [object(), 5, print])
def test_an_event_wire_must_be_able_to_take_events(wrong: Any) -> None:
    server = Server(GameStateStore())
    for run in (server.run, server.run_in_thread):
        with pytest.raises(TypeError, match="_push_event"):
            run(event_wire=wrong)


@pytest.mark.parametrize("field", ["timeout", "bytes_per_second", "max_state_bytes"])
@pytest.mark.parametrize("config", [pygase.ServerConfig, pygase.ClientConfig])
def test_a_config_with_a_value_that_makes_no_sense_is_refused_by_name(config: Any, field: str) -> None:
    with pytest.raises(ValueError, match=f"{config.__name__}.{field} must be positive"):
        config(**{field: 0})


@pytest.mark.parametrize(
    ("field", "value", "wanted"),
    [("kept_snapshots", 1.5, "an int"), ("max_state_bytes", 4e6, "an int"), ("timeout", "5", "a number")],
)
def test_a_config_of_the_wrong_type_is_refused_where_it_is_made(field: str, value: Any, wanted: str) -> None:
    """And not by the network's thread, when the first state arrives."""
    with pytest.raises(TypeError, match=f"ClientConfig.{field} must be {wanted}"):
        pygase.ClientConfig(**{field: value})


def test_every_reason_for_the_end_of_a_connection_has_a_sentence() -> None:
    for reason in pygase.DisconnectReason:
        assert reason.sentence.endswith(".")
        assert len(reason.sentence) > 15
        assert str(reason) == reason.name
