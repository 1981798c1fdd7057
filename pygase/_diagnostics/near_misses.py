"""Names that people look for at an object that has something under another name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final


class NearMisses:
    """An object that answers some names that it does not have with what to write instead."""

    _NEAR_MISSES: ClassVar[Mapping[str, str]] = {}
    """Missing name → the code to write instead."""

    if not TYPE_CHECKING:  # else mypy would believe that the object has every attribute

        def __getattr__(self, name: str) -> Any:
            instead = type(self)._NEAR_MISSES.get(name)
            if instead is None:
                return object.__getattribute__(self, name)  # raises what Python itself raises
            mine = f"{type(self).__name__!r} object has no attribute {name!r}"
            raise AttributeError(f"{mine}; write {instead}", name=name, obj=self)


OF_A_CLIENT: Final = {
    "client_id": "client.id",
    "client_address": "client.address",
    "game_state": "with client.access_game_state() as game_state: ...",
    "get_game_state": "with client.access_game_state() as game_state: ...",
    "state": "with client.access_game_state() as game_state: ...",
    "is_connected": 'client.status == "connected"',
    "connected": 'client.status == "connected"',
    "send_event": "client.dispatch_event(...)",
    "close": "client.disconnect()",
    "shutdown": "client.disconnect(shutdown_server=True)",
    "rtt": "client.stats.rtt",
    "ping": "client.stats.rtt",
}

OF_A_SERVER: Final = {
    "game_state": "server.game_state_store.get_game_state()",
    "send_event": "server.dispatch_event(...)",
    "stop": "server.shutdown()",
    "close": "server.shutdown()",
    "disconnect": "server.kick(client_id)",
}

OF_A_BACKEND: Final = {
    **{name: f"backend.server.{name}" for name in ("port", "hostname", "clients", "connections", "host_id")},
    **{name: f"backend.server.{name}(...)" for name in ("dispatch_event", "kick", "ban", "unban", "invite")},
    "game_state": "backend.game_state_store.get_game_state()",
    "push_update": "backend.game_state_store.push_update(...)",
    "register_event_handler": "backend.game_state_machine.register_event_handler(...)",
    "history": "backend.game_state_machine.history",
    "stop": "backend.shutdown()",
    "close": "backend.shutdown()",
}
