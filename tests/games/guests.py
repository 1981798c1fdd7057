"""A client of a game that a test drives, on a simulated network."""

from collections.abc import Callable, Mapping
from typing import Any

from pygase import RELIABLE, Client
from pygase.testing import Link, SimulatedNetwork


class Guest:
    """A client that joins a game under a name, and keeps the news that it gets.

    :param name: its name. None: it connects but does not join.
    :param handlers: handlers of further events, by event type.
    """

    def __init__(
        self,
        network: SimulatedNetwork,
        game: str,
        name: str | None,
        link: Link | None = None,
        handlers: Mapping[str, Callable[..., None]] | None = None,
    ) -> None:
        self.network = network
        self.client = Client(game=game)
        self.news: list[str] = []
        for event, handler in {"NEWS": self.news.append, **(handlers or {})}.items():
            self.client.register_event_handler(event, handler)
        network.connect(self.client, link=link)
        if name is not None:
            self.client.dispatch_event("JOIN", name, retries=RELIABLE)
        network.run(0.3)

    @property
    def state(self) -> Any:
        return self.client.snapshots[-1].state
