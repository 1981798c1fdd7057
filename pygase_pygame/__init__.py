"""PyGaSe in a pygame loop, which stays yours::

session = pygase_pygame.join("localhost", 8080, interpolate=["ball.x", "ball.y"])
controls = pygase_pygame.Controls(up=[pygame.K_w, pygame.K_UP], down=[pygame.K_s, pygame.K_DOWN])
while running:
    for event in pygame.event.get():        # what the server says is among them, as SERVER_EVENT
        controls.handle(event)
    session.send_input(controls.take())     # an event "INPUT", only when it says something new
    draw(session.view())                    # the game state for this frame
    pygase_pygame.draw_status(screen, session)
    pygame.display.flip()
session.close()
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from .variants import check_variants

if TYPE_CHECKING:
    from .connect.address import DEFAULT_PORT, format_address, parse_address
    from .connect.connect_screen import ConnectScreen
    from .controls.bindings import binding_of
    from .controls.controls import Controls
    from .joining import host, join
    from .own_ticks import Prediction
    from .pygame_events import CONNECTED, LOST, SERVER_EVENT
    from .session import Session
    from .ui.banner import StatusBanner, draw_status
    from .ui.link_key import LinkKey
    from .ui.net_graph import NetGraph
    from .ui.text_entry import TextEntry
    from .view import View

_MODULES: Final = {
    "CONNECTED": "pygame_events",
    "DEFAULT_PORT": "connect.address",
    "LOST": "pygame_events",
    "SERVER_EVENT": "pygame_events",
    "ConnectScreen": "connect.connect_screen",
    "Controls": "controls.controls",
    "LinkKey": "ui.link_key",
    "NetGraph": "ui.net_graph",
    "Prediction": "own_ticks",
    "Session": "session",
    "StatusBanner": "ui.banner",
    "TextEntry": "ui.text_entry",
    "View": "view",
    "binding_of": "controls.bindings",
    "draw_status": "ui.banner",
    "format_address": "connect.address",
    "host": "joining",
    "join": "joining",
    "parse_address": "connect.address",
}
"""The module of each public name. It is imported when the name is used: a server that runs without a window needs no
pygame."""


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    check_variants()  # before pygame is imported, so that the error says what to install
    value = globals()[name] = getattr(import_module(f".{_MODULES[name]}", __name__), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})


__all__ = [
    "CONNECTED",
    "DEFAULT_PORT",
    "LOST",
    "SERVER_EVENT",
    "ConnectScreen",
    "Controls",
    "LinkKey",
    "NetGraph",
    "Prediction",
    "Session",
    "StatusBanner",
    "TextEntry",
    "View",
    "binding_of",
    "draw_status",
    "format_address",
    "host",
    "join",
    "parse_address",
]
