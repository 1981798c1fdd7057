"""Announcing and browsing, with a pretended network: nothing here sends to a real one."""

from __future__ import annotations

import asyncio
import errno
import queue
import random
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import pygase
from pygase import Backend, Browser, DiscoveredGame, GameState, GameStateStore, Server, discover
from pygase._io import clocks, lan
from pygase._io.lan import AskingTransport
from pygase._io.lan_search import LanSearch
from pygase._lan.protocol import Answer, Query
from pygase._protocol.wire import PROTOCOL_VERSION
from pygase._server.announcer import Announcement, Announcer
from pygase.discovery import DISCOVERY_PORT
from pygase.testing import SimulatedNetwork

NONCE = b"nonce..8"


class FakeAnsweringTransport:
    """Receives a test's ``questions``, and records the answers."""

    in_network = True
    sockets: list[Any] = []  # noqa: RUF012
    made: list[FakeAnsweringTransport] = []  # noqa: RUF012

    def __init__(self, port: int) -> None:
        self.port = port
        self.questions: list[tuple[bytes, tuple[str, int]]] = []
        self.answers: list[tuple[bytes, tuple[str, int]]] = []
        self.closed = False
        self.joined_again = 0
        self.made.append(self)

    def take(self, limit: int) -> list[tuple[bytes, tuple[str, int]]]:
        taken, self.questions = self.questions[:limit], self.questions[limit:]
        return taken

    def send(self, data: bytes, address: tuple[str, int]) -> None:
        self.answers.append((data, address))

    def join(self) -> None:
        self.joined_again += 1

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def transports(monkeypatch: pytest.MonkeyPatch) -> list[FakeAnsweringTransport]:
    made: list[FakeAnsweringTransport] = []
    monkeypatch.setattr(FakeAnsweringTransport, "made", made)
    monkeypatch.setattr(lan, "AnsweringTransport", FakeAnsweringTransport)
    monkeypatch.setattr(lan, "machine_name", lambda: "annas-laptop")
    return made


def started(address: tuple[Any, ...], game: str = "pong", name: str = "Anna") -> Announcer:
    """An announcer of a server bound to `address`, on a loop that has ended: tests call it themselves."""
    announcer = Announcer(Announcement(name, 19733, None), address, game, False, lambda: (3, 16))

    async def start() -> None:
        announcer.start()

    asyncio.run(start())
    return announcer


def hosts_answered(announcer: Announcer, transport: FakeAnsweringTransport, hosts: list[str]) -> list[str]:
    transport.questions += [(Query(NONCE, "pong").encode(), (host, 50000)) for host in hosts]
    announcer.receive()
    return [address[0] for _, address in transport.answers]


class TestAnnouncer:
    def test_it_tells_who_asks_how_many_play_at_the_moment(self, transports: list[FakeAnsweringTransport]) -> None:
        announcer = started(("0.0.0.0", 8080))
        hosts_answered(announcer, transports[0], ["10.0.0.5"])
        ((data, address),) = transports[0].answers
        answer = Answer.decode(data)
        assert address == ("10.0.0.5", 50000)
        assert (answer.nonce, answer.version, answer.port) == (NONCE, PROTOCOL_VERSION, 8080)
        assert (answer.players, answer.max_players, answer.name, answer.game) == (3, 16, "Anna", "pong")

    @pytest.mark.parametrize(
        ("bound_to", "answered"),
        [
            ("0.0.0.0", ["127.0.0.1", "10.0.0.5", "192.168.0.5"]),
            ("::", ["127.0.0.1", "10.0.0.5", "192.168.0.5"]),
            ("127.0.0.1", ["127.0.0.1"]),
            ("10.0.0.1", ["10.0.0.5"]),
            ("::1", []),
        ],
    )
    def test_only_who_could_reach_the_server_at_the_answers_sender_is_answered(
        self,
        transports: list[FakeAnsweringTransport],
        monkeypatch: pytest.MonkeyPatch,
        bound_to: str,
        answered: list[str],
    ) -> None:
        routes = {"127.0.0.1": "127.0.0.1", "10.0.0.5": "10.0.0.1", "192.168.0.5": "192.168.0.1"}
        monkeypatch.setattr(lan, "own_address_towards", routes.get)
        announcer = started((bound_to, 8080))
        assert hosts_answered(announcer, transports[0], list(routes)) == answered

    @pytest.mark.parametrize(
        ("bound_to", "warning"),
        [("127.0.0.1", "to this machine only"), ("::1", "discovery speaks IPv4"), ("10.0.0.1", ""), ("::", "")],
    )
    def test_a_server_that_others_cannot_find_is_a_warning(
        self,
        transports: list[FakeAnsweringTransport],
        caplog: pytest.LogCaptureFixture,
        bound_to: str,
        warning: str,
    ) -> None:
        started((bound_to, 8080))
        assert warning in caplog.text
        assert bool(caplog.records) == bool(warning)

    def test_a_port_that_is_forbidden_is_a_warning_and_no_more(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def forbid(port: int) -> None:
            raise PermissionError(errno.EACCES, "Permission denied")

        monkeypatch.setattr(lan, "AnsweringTransport", forbid)
        announcer = started(("0.0.0.0", 8080))
        assert "UDP port 19733 cannot be used (Permission denied)" in caplog.text
        assert announcer.receive() == 0
        announcer.stop()

    def test_noise_is_counted_and_stays_unanswered(
        self, transports: list[FakeAnsweringTransport], rng: random.Random
    ) -> None:
        announcer = started(("0.0.0.0", 8080))
        for _ in range(10):
            transports[0].questions += [(rng.randbytes(rng.randrange(700)), ("10.0.0.5", 9)) for _ in range(64)]
            assert announcer.receive() == 64
        assert transports[0].answers == []
        assert announcer.dropped == {"unreadable": 640}


class TestServer:
    """Server.announce before, while, and after it runs."""

    def in_loop(self, script: Callable[[Server], Any]) -> None:
        """Run a server, and a test's coroutine beside it."""
        server = Server(GameStateStore(GameState()), game="pong", password="secret")

        async def main() -> None:
            serving = asyncio.ensure_future(server.run())
            while server.port is None:
                await asyncio.sleep(0)
            await script(server)
            server.shutdown()
            await serving

        asyncio.run(main())

    @pytest.mark.integration
    def test_it_can_be_announced_renamed_moved_and_hidden_while_it_runs(
        self, transports: list[FakeAnsweringTransport]
    ) -> None:
        seen: list[Any] = []

        async def turns() -> None:
            for _ in range(3):
                await asyncio.sleep(0)

        async def script(server: Server) -> None:
            server.announce()
            await turns()
            server.announce("Anna")
            await turns()
            seen.append([(t.port, t.joined_again) for t in transports])
            server.announce("Anna", port=12345)
            await turns()
            seen.append([(t.port, t.closed) for t in transports])
            server.stop_announcing()
            await turns()
            seen.append([t.closed for t in transports])

        self.in_loop(script)
        assert seen == [[(19733, 1)], [(19733, True), (12345, False)], [True, True]]

    @pytest.mark.integration
    def test_it_stops_with_the_server_and_starts_with_the_next_run(
        self, transports: list[FakeAnsweringTransport]
    ) -> None:
        backend = Backend(GameState(), lambda game_state, dt: {}, game="pong")
        backend.announce("Anna")
        assert transports == []
        for run in (1, 2):
            backend.run_in_thread()
            backend.shutdown()
            assert [t.closed for t in transports] == [True] * run
        backend.announce("Berta")  # after its end: for the next run
        assert len(transports) == 2

    def test_in_a_simulated_network_it_opens_no_socket(self, transports: list[FakeAnsweringTransport]) -> None:
        network = SimulatedNetwork(seed=1)
        backend = Backend(GameState(), lambda game_state, dt: {})
        backend.announce("before")
        network.serve(backend)
        backend.announce("while")
        network.run(0.1)
        assert transports == []

    def test_no_name_stands_for_the_name_of_the_machine(self, transports: list[FakeAnsweringTransport]) -> None:
        assert Announcement("", 19733, None).name == "annas-laptop"

    @pytest.mark.parametrize(
        ("arguments", "complaint"),
        [
            ({"name": 5}, "name must be a str"),
            ({"name": None}, "name must be a str"),
            ({"port": 0}, "port must be an int from 1 to 65535"),
            ({"port": True}, "port must be an int"),
            ({"port": 65536}, "port must be an int"),
            ({"info": "castle"}, "info must be a dict"),
            ({"info": {"map": object()}}, "info can hold"),
            ({"info": {"map": "x" * 300}}, "200 are the most"),
        ],
    )
    def test_what_cannot_be_announced_is_refused_at_once(self, arguments: dict[str, Any], complaint: str) -> None:
        for face in (Server(GameStateStore(GameState())), Backend(GameState(), lambda game_state, dt: {})):
            with pytest.raises((TypeError, ValueError), match=complaint):
                face.announce(**arguments)


class SteppedClock:
    """Time, in seconds, as the test and the fake network have it."""

    def __init__(self) -> None:
        self.now = 1000.0


class FakeAskingTransport:
    """A network with one server, in the time of a clock that waiting moves on.

    :ivar answers: whether the server does.
    """

    def __init__(self, clock: SteppedClock) -> None:
        self.clock = clock
        self.problem = ""
        self.refreshed = 0
        self.asked_at: list[float] = []
        self.answers = True
        self.waiting: list[tuple[bytes, tuple[str, int]]] = []
        self.closed = False

    def refresh(self) -> None:
        self.refreshed += 1

    def ask(self, query: bytes) -> None:
        self.asked_at.append(round(self.clock.now, 6))
        if self.answers:
            nonce, game = Query.decode(query)
            answer = Answer(nonce, b"server.8", PROTOCOL_VERSION, False, 8080, 1, 2, game or "pong", "Anna", b"\x80")
            self.waiting += [(answer.encode(), ("10.0.0.5", 19733)), (b"noise", ("10.0.0.6", 1))]

    def wait(self, timeout: float) -> list[tuple[bytes, tuple[str, int]]]:
        assert timeout > 0
        self.clock.now += 0.002 if self.waiting else timeout
        taken, self.waiting = self.waiting, []
        return taken

    def wake(self) -> None:
        """It never waits in earnest."""

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> FakeAskingTransport:
    clock = SteppedClock()
    transport = FakeAskingTransport(clock)
    monkeypatch.setattr(clocks, "monotonic", lambda: clock.now)
    monkeypatch.setattr(lan, "AskingTransport", lambda port: transport)
    return transport


class TestDiscover:
    def test_it_returns_what_answers_and_asks_three_times(self, network: FakeAskingTransport) -> None:
        (found,) = discover("pong", timeout=1.0)
        assert (found.address, found.port, found.name, found.game) == ("10.0.0.5", 8080, "Anna", "pong")
        assert found.ping == pytest.approx(0.002)
        assert [at - 1000 for at in network.asked_at] == pytest.approx([0, 0.15, 0.3])
        assert network.clock.now == pytest.approx(1001.0)
        assert network.closed

    def test_a_game_that_answers_only_the_last_try_is_found(self, network: FakeAskingTransport) -> None:
        ask = network.ask

        def lose_two(query: bytes) -> None:
            network.answers = len(network.asked_at) == 2
            ask(query)

        network.ask = lose_two  # type: ignore[method-assign]
        assert len(discover(timeout=0.5)) == 1

    def test_silence_is_an_empty_list(self, network: FakeAskingTransport) -> None:
        network.answers = False
        assert discover() == []

    def test_a_network_that_cannot_be_asked_is_warned_of_once(
        self, network: FakeAskingTransport, caplog: pytest.LogCaptureFixture
    ) -> None:
        network.answers, network.problem = False, "this machine is in no network"
        assert discover(timeout=1.0) == []
        assert [record.getMessage() for record in caplog.records] == [
            "games on other machines cannot be found: this machine is in no network"
        ]

    def test_a_system_without_sockets_is_a_warning(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(port: int) -> None:
            raise OSError(errno.EMFILE, "Too many open files")

        monkeypatch.setattr(lan, "AskingTransport", fail)
        assert discover() == []
        assert "Too many open files" in caplog.text

    @pytest.mark.parametrize("timeout", [0, -1.0, float("nan"), float("inf"), "1", None, True])
    def test_a_timeout_that_is_none_is_refused(self, timeout: Any) -> None:
        with pytest.raises(ValueError, match="timeout must be a number of seconds"):
            discover(timeout=timeout)

    @pytest.mark.parametrize("game", [None, 5, "g" * 65])
    def test_a_game_that_no_server_can_have_is_refused(self, game: Any) -> None:
        with pytest.raises(ValueError, match="game must be a str of at most 64 bytes"):
            discover(game)


class TestBrowser:
    def test_it_keeps_asking_and_forgets_what_falls_silent(self, network: FakeAskingTransport) -> None:
        """Watched at each question, on the thread that searches, in stepped time."""
        search = LanSearch("", DISCOVERY_PORT)
        seen: list[tuple[float, int]] = []
        ask = network.ask

        def watch(query: bytes) -> None:
            seen.append((round(network.clock.now - 1000, 2), len(search.listing.games)))
            network.answers = network.clock.now < 1003
            ask(query)

        network.ask = watch  # type: ignore[method-assign]
        search.run(1009.0)
        counts = dict(seen)
        assert list(counts) == [0.0, 0.15, 0.3, 1.8, 3.3, 4.8, 6.3, 7.8]
        assert list(counts.values()) == [0, 1, 1, 1, 1, 1, 1, 0]
        assert network.refreshed == 8  # the machine's addresses may have changed

    def test_its_problem_passes_with_the_cause(self, network: FakeAskingTransport) -> None:
        search = LanSearch("", DISCOVERY_PORT)
        network.problem = "a firewall"
        search.run(1001.0)
        assert search.problem == "a firewall"
        network.problem = ""
        search.run(1010.0)
        assert search.problem == ""

    @pytest.mark.integration
    def test_it_starts_and_stops_as_often_as_one_likes_and_ends_its_thread(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: queue.Queue[bytes] = queue.Queue()
        monkeypatch.setattr(lan.AskingTransport, "refresh", lambda self: None)
        monkeypatch.setattr(lan.AskingTransport, "ask", lambda self, query: asked.put(query))
        browser = Browser()
        browser.stop()
        for _ in range(3):
            with browser:
                assert browser.start() is browser
                assert asked.get(timeout=5.0)
                assert [thread.name for thread in threading.enumerate()].count("pygase-browser") == 1
            assert "pygase-browser" not in [thread.name for thread in threading.enumerate()]
        browser.stop()

    def test_the_public_names_are_pygases(self) -> None:
        assert {"Browser", "DISCOVERY_PORT", "DiscoveredGame", "discover"} <= set(pygase.__all__)
        assert pygase.DiscoveredGame is DiscoveredGame


class FakeSocket:
    """Records the addresses that it sends to, or fails."""

    def __init__(self, fails_with: int = 0) -> None:
        self.fails_with = fails_with
        self.sent_to: list[tuple[str, int]] = []

    def sendto(self, data: bytes, address: tuple[str, int]) -> None:
        if self.fails_with:
            raise OSError(self.fails_with, "no")
        self.sent_to.append(address)

    def close(self) -> None:
        pass


@pytest.fixture
def asking() -> Iterator[AskingTransport]:
    transport = AskingTransport(19733)  # opens no socket to a network before it is refreshed
    yield transport
    transport.close()


class TestAskingTransport:
    def ask(self, transport: AskingTransport, sockets: dict[str, FakeSocket]) -> str:
        transport.sockets = sockets  # type: ignore[assignment]
        transport.ask(b"?")
        return transport.problem

    def test_each_interface_is_asked_by_broadcast_and_multicast(self, asking: AskingTransport) -> None:
        sockets = {"10.0.0.1": FakeSocket(), "192.168.0.1": FakeSocket()}
        assert self.ask(asking, sockets) == ""
        for sock in sockets.values():
            assert sock.sent_to == [("255.255.255.255", 19733), ("239.255.80.71", 19733)]

    def test_a_program_without_file_descriptors_goes_on_searching(
        self, asking: AskingTransport, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object) -> None:
            raise OSError(errno.EMFILE, "Too many open files")

        monkeypatch.setattr(lan.socket, "socket", refuse)
        monkeypatch.setattr(lan, "get_available_ip_addresses", lambda: ["10.0.0.1"])
        asking.refresh()
        asking.ask(b"?")
        assert asking.problem

    def test_nothing_of_the_loopback_leaves_the_machine(self, asking: AskingTransport) -> None:
        loopback = FakeSocket()
        self.ask(asking, {"127.0.0.1": loopback})
        assert {host.split(".")[0] for host, _ in loopback.sent_to} == {"127", "239"}

    @pytest.mark.parametrize(
        ("sockets", "problem"),
        [
            ({"10.0.0.1": errno.ENETUNREACH, "192.168.0.1": 0}, ""),
            ({"127.0.0.1": 0}, "in no network"),
            ({"127.0.0.1": 0, "10.0.0.1": errno.ENETUNREACH}, "in no network"),
            ({"127.0.0.1": errno.EACCES}, "in no network"),
            ({"127.0.0.1": 0, "10.0.0.1": errno.EPERM}, "a firewall"),
            ({}, "in no network"),
        ],
    )
    def test_only_if_nobody_else_can_have_heard_there_is_a_problem(
        self, asking: AskingTransport, sockets: dict[str, int], problem: str
    ) -> None:
        found = self.ask(asking, {address: FakeSocket(fails_with) for address, fails_with in sockets.items()})
        assert problem in found
        assert bool(found) == bool(problem)

    def test_on_macos_the_missing_permission_is_named(
        self, asking: AskingTransport, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lan.sys, "platform", "darwin")
        assert "Privacy & Security" in self.ask(asking, {"10.0.0.1": FakeSocket(errno.EHOSTUNREACH)})

    def test_a_machine_full_of_containers_is_asked_from_a_few_of_its_addresses_and_the_loopback(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lan, "get_available_ip_addresses", lambda: [f"10.0.0.{i}" for i in range(200)])
        addresses = lan.own_addresses()
        assert len(addresses) == lan.MAX_INTERFACES
        assert addresses[-1] == "127.0.0.1"


def test_the_way_to_oneself_is_ones_own_address() -> None:
    assert lan.own_address_towards("127.0.0.1") == "127.0.0.1"
    assert lan.own_address_towards("no address") is None
