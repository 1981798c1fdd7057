"""News reaches everybody but the one that it is about, and stays on the screen for its time."""

from games.common.news import Announcer, NewsLine
from pygase import Backend, Client, GameState
from pygase.testing import SimulatedNetwork


def test_news_reaches_all_clients_but_the_one_that_it_is_about() -> None:
    network = SimulatedNetwork(seed=1)
    backend = Backend(GameState(), lambda game_state, dt: {})
    network.serve(backend, interval=1 / 60)
    heard: list[list[str]] = [[], [], []]
    clients = [Client(), Client(), Client()]
    for client, news in zip(clients, heard, strict=True):
        client.register_event_handler("NEWS", news.append)
        network.connect(client)
    network.run(0.2)
    announcer = Announcer(backend)
    announcer.announce("Ada plays now.", about=clients[0].id)
    announcer.announce("The game is over.")
    announcer.send(clients[0].id or 0, "NEWS", "Only you.")
    network.run(0.2)
    assert heard == [
        ["The game is over.", "Only you."],
        ["Ada plays now.", "The game is over."],
        ["Ada plays now.", "The game is over."],
    ]


def test_a_line_is_shown_for_its_time_and_replaced_by_the_next() -> None:
    now = 100.0
    line = NewsLine(lambda: now, 5.0)
    assert (line.text, line.is_shown) == ("", False)
    line.show("first")
    now = 104.9
    assert (line.text, line.is_shown) == ("first", True)
    line.show("second", seconds=1.0)
    assert line.text == "second"
    now = 105.9
    assert (line.text, line.is_shown) == ("", False)
