"""A host's game stands while the menu is open and nobody else plays."""

from __future__ import annotations

from ..session import Session


class Standstill:
    """Stops the game loop of a game that is served here, and lets it run again.

    With other players there is no pause: the game goes on, and the player's seat is kept. Somebody who arrives during a
    pause ends it.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self.is_on = False
        """Whether the game stands now."""

    @property
    def others(self) -> int:
        """The number of other players at the server that runs here."""
        backend = self._session.backend
        return sum(client_id != self._session.me for client_id in list(backend.server.clients)) if backend else 0

    def follow(self, wanted: bool) -> None:
        """Stand or go on. Call it once a frame.

        :param wanted: whether the player wants a pause.
        """
        backend = self._session.backend
        if backend is None or self._session.me is None:
            return
        stand = wanted and not self.others
        if stand == self.is_on:
            return
        self.is_on = stand
        machine = backend.game_state_machine
        if stand:
            machine.stop()
        elif backend.server.port is not None:  # a server that has ended meanwhile stays so
            machine.run_game_loop_in_thread(machine.interval)
