"""A client of a game that a test drives, on a simulated network."""

from collections.abc import Callable, Mapping
from typing import Any

from pygase import Client
from pygase.testing import Link, SimulatedNetwork


class Guest:
    """A client that joins a game under a name, and keeps the news that it gets.

    :param name: the name in its profile, of any type. None: its profile is empty.
    :param handlers: handlers of further events, by event type.
    """

    def __init__(
        self,
        network: SimulatedNetwork,
        game: str,
        name: Any,
        link: Link | None = None,
        handlers: Mapping[str, Callable[..., None]] | None = None,
    ) -> None:
        self.network = network
        self.client = Client(game=game)
        self.news: list[str] = []
        for event, handler in {"NEWS": self.news.append, **(handlers or {})}.items():
            self.client.register_event_handler(event, handler)
        network.connect(self.client, link=link, profile={} if name is None else {"name": name})
        network.run(0.3)

    @property
    def state(self) -> Any:
        return self.client.snapshots[-1].state
