"""What a game loop notices about the game that it runs."""

from __future__ import annotations


def changed_in_place(who: str, path: str) -> str:
    """Return the sentence about a state that a handler or time step has changed itself."""
    outermost = path.partition(".")[0]
    return (
        f"{who} changed game_state.{path} in place, where nobody else sees it; leave the state as it is, and return a "
        f"dict of what shall change, such as {{{outermost!r}: ...}}"
    )
