"""The shell of a whole game; you write the rest.

A game made with it consists of a server and a screen::

    import sys
    from pygase_pygame.app import Game, GameScreen, SessionOptions, SoundSet, Tone, cli

    class TagScreen(GameScreen):
        options = SessionOptions(interpolate=["players.*.x", "players.*.y"], tick=1 / 60)
        sounds = SoundSet(caught=[Tone(880, 0.08), Tone(440, 0.2, to=220, shape="square")])

        def handle(self, event):        # each pygame event, SERVER_EVENT included; True: the shell ignores it
            self.controls.handle(event)

        def update(self):               # once a frame, also while the window is minimised
            self.session.send_input(self.controls.take())

        def draw(self, surface):        # once a frame, on a surface of any size
            view = self.session.view()

    GAME = Game(
        name="tag", title="Tag", about="Run from the player who is it", port=7650,
        serve=lambda hosting: TagServer(hosting).backend,   # Backend(..., game="tag", checkpoint=hosting.checkpoint)
        screen=TagScreen, bots=3, most_bots=15,
    )

    if __name__ == "__main__":
        sys.exit(cli.run(GAME))

The shell adds:

- the command line: ``host``, ``join`` and ``--help`` with their options, and a sentence for each mistake;
- the invitation: the exact command that a friend has to type;
- the choice of a game on the local network, the window, and a band with the connection's trouble;
- the player's name, which the server receives in the client's profile, ``profile["name"]``;
- places that are kept: ``host --checkpoint FILE`` and ``join --resume FILE`` go on after a crash;
- the keys that :class:`GameLoop` lists;
- an end at once, for everyone, however the program ends.

It loads one file, the font. Colours, icons and sounds are computed. A server without a window
(``host --headless``) needs no pygame if the screen is named as text, ``screen="tag.client:TagScreen"``, and only that
module imports pygame.

The public names, by what they are for:

- the game: :class:`Game`, :class:`Hosting`, ``cli.run``;
- the lobby: :class:`LobbyOptions`, ``draw_mark``, ``seat_colour``, ``SEATS``, and from pygase :class:`pygase.Seats`;
- the screen: :class:`GameScreen`, :class:`Playing`, :class:`Settings`, :class:`SessionOptions`, ``WAYS``,
  :class:`HostDeed`;
- drawing: :class:`Layout` (units to pixels), :class:`Lettering` and ``stacked`` (text that fits), ``hud`` (``notice``,
  ``news``, ``footer``, ``scoreboard``, ``name_tag``), ``icon``, and the colours;
- sounds: :class:`Tone`, :class:`SoundSet`, :class:`Sounds`;
- the server: :class:`Company` and ``how_left`` (news about players), and from pygase ``clean_name`` and
  ``unused_name``;
- a check of the states that arrive: :class:`State`, :class:`Each`, :class:`Number`, :class:`Text`, :class:`Flag`,
  :class:`Row`, :class:`Either`;
- for a loop of your own: :class:`GameLoop`, :class:`Window`, :class:`NoDisplay`.

``games/`` in PyGaSe's source has six games made with it; ``games/hello`` has 150 lines.
"""

from typing import TYPE_CHECKING, Final

import pygase

if TYPE_CHECKING:
    from ..joining import SessionOptions
    from ..ui.lettering import Lettering, stacked
    from ..ui.palette import (
        BLUE,
        FAINT,
        FLOOR,
        GREEN,
        GREY,
        LINE,
        NIGHT,
        ORANGE,
        PINK,
        PLAYER_COLOURS,
        RED,
        SKY,
        SNOW,
        TEAM_COLOURS,
        WHITE,
        YELLOW,
        Colour,
        mixed,
        player_colour,
        team_colour,
    )
    from . import cli, hud
    from .company import Company, how_left
    from .game import Game, Hosting
    from .game_loop import GameLoop
    from .game_screen import WAYS, GameScreen, HostDeed, LobbyOptions, Playing
    from .icons import icon
    from .layout import Layout, Rect
    from .seat_mark import draw_mark, seat_colour
    from .settings import Settings
    from .shape import SEATS, Each, Either, Flag, Number, Row, Shape, State, Text
    from .sounds import Sounds, SoundSet, Tone
    from .window import NoDisplay, Window

_MODULES: Final = {
    "BLUE": "pygase_pygame.ui.palette",
    "FAINT": "pygase_pygame.ui.palette",
    "FLOOR": "pygase_pygame.ui.palette",
    "GREEN": "pygase_pygame.ui.palette",
    "GREY": "pygase_pygame.ui.palette",
    "LINE": "pygase_pygame.ui.palette",
    "NIGHT": "pygase_pygame.ui.palette",
    "ORANGE": "pygase_pygame.ui.palette",
    "PINK": "pygase_pygame.ui.palette",
    "PLAYER_COLOURS": "pygase_pygame.ui.palette",
    "RED": "pygase_pygame.ui.palette",
    "SKY": "pygase_pygame.ui.palette",
    "SNOW": "pygase_pygame.ui.palette",
    "Settings": "pygase_pygame.app.settings",
    "TEAM_COLOURS": "pygase_pygame.ui.palette",
    "team_colour": "pygase_pygame.ui.palette",
    "WAYS": "pygase_pygame.app.game_screen",
    "WHITE": "pygase_pygame.ui.palette",
    "YELLOW": "pygase_pygame.ui.palette",
    "Colour": "pygase_pygame.ui.palette",
    "Company": "pygase_pygame.app.company",
    "Each": "pygase_pygame.app.shape",
    "Either": "pygase_pygame.app.shape",
    "Flag": "pygase_pygame.app.shape",
    "Game": "pygase_pygame.app.game",
    "GameScreen": "pygase_pygame.app.game_screen",
    "HostDeed": "pygase_pygame.app.game_screen",
    "Hosting": "pygase_pygame.app.game",
    "Layout": "pygase_pygame.app.layout",
    "LobbyOptions": "pygase_pygame.app.game_screen",
    "SEATS": "pygase_pygame.app.shape",
    "draw_mark": "pygase_pygame.app.seat_mark",
    "seat_colour": "pygase_pygame.app.seat_mark",
    "Lettering": "pygase_pygame.ui.lettering",
    "GameLoop": "pygase_pygame.app.game_loop",
    "NoDisplay": "pygase_pygame.app.window",
    "Number": "pygase_pygame.app.shape",
    "Playing": "pygase_pygame.app.game_screen",
    "Rect": "pygase_pygame.app.layout",
    "Row": "pygase_pygame.app.shape",
    "SessionOptions": "pygase_pygame.joining",
    "Shape": "pygase_pygame.app.shape",
    "SoundSet": "pygase_pygame.app.sounds",
    "Sounds": "pygase_pygame.app.sounds",
    "State": "pygase_pygame.app.shape",
    "Text": "pygase_pygame.app.shape",
    "Tone": "pygase_pygame.app.sounds",
    "Window": "pygase_pygame.app.window",
    "cli": "pygase_pygame.app.cli",
    "how_left": "pygase_pygame.app.company",
    "hud": "pygase_pygame.app.hud",
    "icon": "pygase_pygame.app.icons",
    "mixed": "pygase_pygame.ui.palette",
    "player_colour": "pygase_pygame.ui.palette",
    "stacked": "pygase_pygame.ui.lettering",
}
"""The module of each public name, imported on first use."""

__getattr__ = pygase.utils.imported_when_used(__name__, _MODULES)


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})


__all__ = [
    "BLUE",
    "FAINT",
    "FLOOR",
    "GREEN",
    "GREY",
    "LINE",
    "NIGHT",
    "ORANGE",
    "PINK",
    "PLAYER_COLOURS",
    "RED",
    "SEATS",
    "SKY",
    "SNOW",
    "TEAM_COLOURS",
    "WAYS",
    "WHITE",
    "YELLOW",
    "Colour",
    "Company",
    "Each",
    "Either",
    "Flag",
    "Game",
    "GameLoop",
    "GameScreen",
    "HostDeed",
    "Hosting",
    "Layout",
    "Lettering",
    "LobbyOptions",
    "NoDisplay",
    "Number",
    "Playing",
    "Rect",
    "Row",
    "SessionOptions",
    "Settings",
    "Shape",
    "SoundSet",
    "Sounds",
    "State",
    "Text",
    "Tone",
    "Window",
    "cli",
    "draw_mark",
    "how_left",
    "hud",
    "icon",
    "mixed",
    "player_colour",
    "seat_colour",
    "stacked",
    "team_colour",
]
