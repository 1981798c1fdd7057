"""PyGaSe in a pygame loop, which stays yours::

    session = pygase_pygame.join("localhost", 8080, interpolate=["ball.x", "ball.y"])
    controls = pygase_pygame.Controls(up=[pygame.K_w, pygame.K_UP], down=[pygame.K_s, pygame.K_DOWN])
    while running:
        for event in pygame.event.get():        # SERVER_EVENT is among them: an event of the server
            controls.handle(event)
        session.send_input(controls.take())     # an event "INPUT", sent after the input has changed
        draw(session.view())                    # the game state for this frame
        pygase_pygame.draw_status(screen, session)
        pygame.display.flip()
    session.close()

:mod:`pygase_pygame.app` adds the shell of a whole game: window, choice of a game, keys, command line.
"""

from typing import TYPE_CHECKING, Final

import pygase

from .variants import check_variants

if TYPE_CHECKING:
    from .connect.address import DEFAULT_PORT, format_address, parse_address
    from .connect.connect_screen import ConnectScreen
    from .controls.bindings import binding_of
    from .controls.controls import Controls
    from .joining import host, join
    from .own_part import Prediction
    from .pygame_events import CONNECTED, LOST, SERVER_EVENT
    from .session import Session
    from .sprite_world import HeldKeys, SpriteWorld
    from .ui.banner import StatusBanner, draw_status
    from .ui.link_key import LinkKey
    from .ui.net_graph import NetGraph
    from .ui.text_entry import TextEntry
    from .view import View
    from .view_group import ViewGroup

_MODULES: Final = {
    "CONNECTED": "pygase_pygame.pygame_events",
    "DEFAULT_PORT": "pygase_pygame.connect.address",
    "LOST": "pygase_pygame.pygame_events",
    "SERVER_EVENT": "pygase_pygame.pygame_events",
    "ConnectScreen": "pygase_pygame.connect.connect_screen",
    "Controls": "pygase_pygame.controls.controls",
    "LinkKey": "pygase_pygame.ui.link_key",
    "NetGraph": "pygase_pygame.ui.net_graph",
    "Prediction": "pygase_pygame.own_part",
    "Session": "pygase_pygame.session",
    "HeldKeys": "pygase_pygame.sprite_world",
    "SpriteWorld": "pygase_pygame.sprite_world",
    "StatusBanner": "pygase_pygame.ui.banner",
    "TextEntry": "pygase_pygame.ui.text_entry",
    "View": "pygase_pygame.view",
    "ViewGroup": "pygase_pygame.view_group",
    "binding_of": "pygase_pygame.controls.bindings",
    "draw_status": "pygase_pygame.ui.banner",
    "format_address": "pygase_pygame.connect.address",
    "host": "pygase_pygame.joining",
    "join": "pygase_pygame.joining",
    "parse_address": "pygase_pygame.connect.address",
}
"""The module of each public name, imported on first use: a server without a window needs no pygame."""


__getattr__ = pygase.utils.imported_when_used(__name__, _MODULES, before=check_variants)


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})


__all__ = [
    "CONNECTED",
    "DEFAULT_PORT",
    "LOST",
    "SERVER_EVENT",
    "ConnectScreen",
    "Controls",
    "HeldKeys",
    "LinkKey",
    "NetGraph",
    "Prediction",
    "Session",
    "SpriteWorld",
    "StatusBanner",
    "TextEntry",
    "View",
    "ViewGroup",
    "binding_of",
    "draw_status",
    "format_address",
    "host",
    "join",
    "parse_address",
]
