"""Canvas's server: artists change only their own strokes, limits are reported, and drawings stay after their artists
leave.
"""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from games.canvas import files, rules
from games.canvas.server import AUTOSAVE_TICKS, PIECES_SAVED_UP, TICK, CanvasServer, pointing
from pygase import RELIABLE, Client
from pygase.testing import Link, SimulatedNetwork
from pygase.utils import Sqn
from tests.games.canvas.drawings import megabyte, scribble

LINE = rules.pack_line(1, 1, [(5, 5), (50, 50)])


class Visitor:
    """A client that keeps the events that it receives."""

    def __init__(self, network: SimulatedNetwork, name: str, **options: Any) -> None:
        self.client = Client(game="canvas")
        self.news: list[str] = []
        self.refused: list[tuple[int, str]] = []
        self.client.register_event_handler("NEWS", self.news.append)
        self.client.register_event_handler("REFUSED", lambda stroke, text: self.refused.append((stroke, text)))
        network.connect(self.client, profile={"name": name}, **options)
        network.run(0.3)

    def tell(self, event: str, *args: Any) -> None:
        self.client.dispatch_event(event, *args, retries=RELIABLE)

    @property
    def number(self) -> int:
        assert self.client.id is not None
        return self.client.id

    @property
    def pieces(self) -> list[bytes]:
        return [piece for page in self.client.snapshots[-1].state["ink"].values() for piece in page.values()]


@pytest.fixture
def network() -> SimulatedNetwork:
    return SimulatedNetwork(seed=3, link=Link(latency=0.02))


@pytest.fixture
def opened(network: SimulatedNetwork) -> Iterator[Callable[..., CanvasServer]]:
    servers = []

    def open_server(**options: Any) -> CanvasServer:
        server = CanvasServer(**options, rng=random.Random(1))
        network.serve(server.backend, interval=TICK)
        servers.append(server)
        return server

    yield open_server
    for server in servers:
        server.backend.shutdown()


def test_only_ones_own_strokes_can_be_undone(network: SimulatedNetwork, opened: Callable[..., CanvasServer]) -> None:
    opened()
    ada, bob = Visitor(network, "Ada"), Visitor(network, "Bob")
    ada.tell("INK", 0, 0, LINE)
    network.run(0.2)
    bob.tell("UNDO", 0)
    network.run(0.2)
    assert len(bob.pieces) == 1
    ada.tell("UNDO", 0)
    network.run(0.2)
    assert bob.pieces == ada.pieces == []


@pytest.mark.parametrize("event", ["INK", "UNDO", "UNDO_ALL", "CLEAR", "JOIN"])
@pytest.mark.parametrize(
    "args", [(), (None, None, None), ("x",), (1.5, 0, b""), ([], {}, 7), (2**63 - 1, 0, b"1"), (0, 0, "ä")]
)
def test_nonsense_changes_nothing_and_ends_nothing(
    network: SimulatedNetwork, opened: Callable[..., CanvasServer], event: str, args: tuple[Any, ...]
) -> None:
    opened()
    ada = Visitor(network, "Ada")
    bob = Visitor(network, "Bob")
    ada.tell("INK", 0, 0, LINE)
    network.run(0.2)
    bob.tell(event, *args)
    bob.tell("INK", 1, 0, LINE)
    network.run(0.3)
    assert len(ada.pieces) == 2
    assert ada.client.status == bob.client.status == "connected"


def test_the_host_can_clear_the_picture_and_nobody_else(
    network: SimulatedNetwork, opened: Callable[..., CanvasServer]
) -> None:
    opened()
    ada, bob = Visitor(network, "Ada"), Visitor(network, "Bob")
    host, guest = (ada, bob) if ada.client.snapshots[-1].state["host"] == ada.number else (bob, ada)
    for visitor in (ada, bob):
        visitor.tell("INK", 0, 0, LINE)
    network.run(0.2)
    guest.tell("CLEAR")
    network.run(0.2)
    assert len(host.pieces) == 2
    assert guest.news[-1] == "Only the host can clear the picture."
    host.tell("CLEAR")
    host.tell("INK", 1, 0, LINE)
    network.run(0.2)
    assert len(guest.pieces) == 1, "and it can be drawn on again"
    assert "has cleared the picture" in guest.news[-1]


def test_who_leaves_while_drawing_leaves_what_they_drew(
    network: SimulatedNetwork, opened: Callable[..., CanvasServer]
) -> None:
    opened()
    ada, bob = Visitor(network, "Ada"), Visitor(network, "Bob")
    number = ada.number
    ada.tell("INK", 4, 0, LINE)
    ada.client.send_input([10, 10, 4])
    network.run(0.2)
    assert number in bob.client.snapshots[-1].state["pens"]
    ada.client.disconnect()
    network.run(0.5)
    state = bob.client.snapshots[-1].state
    assert number not in state["people"] | state["cursors"] | state["pens"]
    assert len(bob.pieces) == 1


def test_who_loses_the_connection_is_the_same_artist_when_back(
    network: SimulatedNetwork, opened: Callable[..., CanvasServer]
) -> None:
    opened()
    ada, bob = Visitor(network, "Ada"), Visitor(network, "Bob")
    ada.tell("INK", 4, 0, LINE)
    network.run(0.2)
    network.partition(ada.client)
    ada.tell("INK", 4, 1, LINE)
    network.run(10.0)
    assert bob.client.snapshots[-1].state["people"][ada.number] == {"name": "Ada", "lost": True}
    assert len(bob.pieces) == 1
    network.partition(ada.client, False)
    network.run(3.0)
    assert bob.client.snapshots[-1].state["people"][ada.number] == {"name": "Ada", "lost": False}
    assert len(bob.pieces) == 2, "the line that was drawn meanwhile has arrived"
    ada.tell("UNDO", 4)
    network.run(0.2)
    assert bob.pieces == []


def test_two_of_one_name_are_two_artists(network: SimulatedNetwork, opened: Callable[..., CanvasServer]) -> None:
    opened()
    ada = Visitor(network, "Ada")
    other = Visitor(network, "Ada")
    assert other.number != ada.number
    assert {p["name"] for p in ada.client.snapshots[-1].state["people"].values()} == {"Ada", "Ada 2"}


def test_a_flood_is_refused_and_said_so_once_for_each_stroke(
    network: SimulatedNetwork, opened: Callable[..., CanvasServer]
) -> None:
    opened()
    ada = Visitor(network, "Ada")
    for number in range(PIECES_SAVED_UP + 100):
        ada.tell("INK", number, 0, LINE)
    network.run(1.0)
    assert PIECES_SAVED_UP <= len(ada.pieces) < PIECES_SAVED_UP + 50
    assert {text for _, text in ada.refused} == {"You draw too fast. Wait a moment."}
    last = ada.refused[-1][0]
    for part in range(1, 5):
        ada.tell("INK", last, part, LINE)
    told = len(ada.refused)
    network.run(1.0)
    assert len(ada.refused) == told


def test_sixteen_can_draw_and_the_seventeenth_is_told_that_it_is_full(
    network: SimulatedNetwork, opened: Callable[..., CanvasServer]
) -> None:
    opened(bots=3)
    visitors = [Visitor(network, f"V{n}") for n in range(16)]
    assert len(visitors[0].client.snapshots[-1].state["people"]) == 19
    late = Client(game="canvas")
    network.connect(late)
    network.run(1.0)
    assert late.status != "connected"


@pytest.mark.parametrize(
    "value",
    [
        None,
        7,
        "x",
        [],
        [1, 2],
        [1, 2, 3, 4],
        [1.5, 2, -1],
        [9999, 0, -1],
        [0, 0, 70_000],
        [0, 0, -2],
        [0, Sqn(65_535), -1],
    ],
)
def test_what_points_nowhere_is_no_cursor(value: object) -> None:
    assert pointing(value) == {}


def test_a_late_joiner_gets_a_megabyte_and_then_only_what_is_new(
    network: SimulatedNetwork, opened: Callable[..., CanvasServer], rng: Any, tmp_path: Path
) -> None:
    big = megabyte(rng)
    files.save(tmp_path / "big.json", big)
    server = opened(file=tmp_path / "big.json")
    ada = Visitor(network, "Ada", link=Link(latency=0.03, jitter=0.01, loss=0.03))
    network.run(5.0)
    assert ada.pieces == big
    stats = server.backend.server.connections[ada.client.address].stats
    before = stats.bytes_sent
    for number in range(30):
        for part, line in enumerate(scribble(rng, 4)):
            ada.tell("INK", number, part, line)
        network.run(0.1)
    network.run(1.0)
    assert len(ada.pieces) > len(big) + 30
    stats = server.backend.server.connections[ada.client.address].stats
    assert stats.bytes_sent - before < 30_000, "four seconds of drawing on a megabyte"


def test_the_picture_is_saved_every_half_minute_and_at_the_end(
    network: SimulatedNetwork, opened: Callable[..., CanvasServer], tmp_path: Path
) -> None:
    path = tmp_path / "picture.json"
    server = opened(file=path)
    ada = Visitor(network, "Ada")
    ada.tell("INK", 0, 0, LINE)
    network.run(AUTOSAVE_TICKS * TICK + 0.5)
    server.keeper.wait()
    assert len(files.load(path)) == 1
    ada.tell("INK", 1, 0, LINE)
    network.run(0.2)
    server.close()
    assert len(files.load(path)) == 2
    assert [rules.line_of(piece) for piece in CanvasServer(file=path).sheet.pieces.values()] == [LINE, LINE]


def test_the_host_is_told_when_the_picture_cannot_be_saved(
    network: SimulatedNetwork, opened: Callable[..., CanvasServer], tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    server = opened(file=folder / "picture.json")
    folder.rmdir()
    ada = Visitor(network, "Ada")
    ada.tell("INK", 0, 0, LINE)
    network.run(AUTOSAVE_TICKS * TICK + 0.5)
    server.keeper.wait()
    network.run(0.5)
    assert "could not be saved" in ada.news[-1]
    folder.mkdir()
    network.run(AUTOSAVE_TICKS * TICK + 0.5)
    server.keeper.wait()
    network.run(0.5)
    assert ada.news[-1] == "The picture can be saved again."
    assert len(files.load(folder / "picture.json")) == 1


def test_bots_rest_alone_and_never_have_too_much_in_the_picture(
    network: SimulatedNetwork, opened: Callable[..., CanvasServer]
) -> None:
    server = opened(bots=8)
    network.run(5.0)
    assert not server.sheet.pieces
    Visitor(network, "Ada")
    network.run(120.0)
    assert server.sheet.stroke_count() == 8 * 60, "as many as they may have"
