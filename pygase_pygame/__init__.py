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

from .variants import check_variants

check_variants()  # before anything here imports pygame, so that the reason is told in words

from .address import DEFAULT_PORT, format_address, parse_address  # noqa: E402
from .bindings import binding_of  # noqa: E402
from .connectscreen import ConnectScreen  # noqa: E402
from .controls import Controls  # noqa: E402
from .events import CONNECTED, LOST, SERVER_EVENT  # noqa: E402
from .joining import host, join  # noqa: E402
from .linkkey import LinkKey  # noqa: E402
from .netgraph import NetGraph  # noqa: E402
from .prediction import Prediction  # noqa: E402
from .session import Session  # noqa: E402
from .status import StatusBanner, draw_status  # noqa: E402
from .textentry import TextEntry  # noqa: E402
from .view import View  # noqa: E402

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
