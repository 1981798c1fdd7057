"""Canvas's window: sends the mouse's strokes to the server, and shows them at once."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final

import pygame

from games.canvas import marks, rules
from games.canvas.departed import Departed
from games.canvas.export import Export
from games.canvas.files import FileTrouble
from games.canvas.hand import Hand, Sent
from games.canvas.means import PAD, SOUNDS
from games.canvas.padpen import PadPen
from games.canvas.painter import Painter
from games.canvas.paper import Beside, fill_around
from games.canvas.pen import PIECE_TICKS
from games.canvas.picture import Picture
from games.canvas.rules import COLOURS, PAPER, WIDTHS
from games.canvas.server import TICK
from games.canvas.shape import CHECK
from games.canvas.tools import Tool, Toolbar, header_height
from games.common.news import NewsLine
from pygase_pygame import CONNECTED, LOST, SERVER_EVENT, View
from pygase_pygame.app import GREY, WHITE, GameScreen, HostDeed, Layout, Playing, SessionOptions, hud, icon

KEYS: Final = "Draw with the mouse · Right button: erase · Wheel: width · 1-8: colour · Ctrl-Z: undo · Esc: menu"
NEWS_SECONDS: Final = 5.0
PIECE_SECONDS: Final = PIECE_TICKS * TICK
MANY_PIECES: Final = 1_000  # pieces to paint from which on the header shows the number

_WIDER_KEYS: Final = (pygame.K_PLUS, pygame.K_KP_PLUS, pygame.K_EQUALS, pygame.K_RIGHTBRACKET)
_THINNER_KEYS: Final = (pygame.K_MINUS, pygame.K_KP_MINUS, pygame.K_LEFTBRACKET)
_LEFT, _RIGHT = 1, 3


class CanvasScreen(GameScreen):
    """The picture, the tools and the cursors."""

    graph_corner = "bottomright"
    options = SessionOptions(interpolate=["cursors.*"], tick=TICK, check=CHECK)
    inputs: ClassVar[Mapping[str, Any]] = PAD
    sounds = SOUNDS

    def __init__(self, playing: Playing) -> None:
        super().__init__(playing)
        self.picture = Picture()
        self._departed = Departed()
        self.hand = Hand()
        self.painter: Painter | None = None
        """Paints the picture. None before the first frame."""
        self.colour, self.width = 1, 2
        self._view: View | None = None
        self.layout: Layout | None = None
        """The place of the paper in the window, from the first frame on."""
        self.toolbar: Toolbar | None = None
        """The buttons, from the first frame on."""
        self._arranged: tuple[Any, ...] = ()
        self._mouse: tuple[int, int] | None = None
        self._pad_pen, self._pad_held = PadPen(), ""  # "draw" or "erase" while that button is held
        self._take_at = 0.0
        self._asking = False  # whether the question about clearing is open
        self.news = NewsLine(playing.clock, NEWS_SECONDS)
        self._latest: dict[int, bytes] = {}  # last piece of each artist
        self._export: Export | None = None

    @staticmethod
    def icon() -> pygame.Surface:
        """Return the icon: a brush stroke on paper."""
        return icon(marks.paint_icon)

    # -- input ---------------------------------------------------------------------------------------------------------

    def handle(self, event: pygame.event.Event) -> bool:
        """Handle one event."""
        self.controls.handle(event)
        if event.type == CONNECTED:
            self._become(self.session.me)
        elif event.type == LOST:
            self.hand.lift()
        elif event.type == SERVER_EVENT:
            self._hear(event)
        elif event.type == pygame.KEYDOWN:
            return self._press(event)
        else:
            self._handle_mouse(event)
        return False

    def _handle_mouse(self, event: pygame.event.Event) -> None:
        if event.type == pygame.MOUSEBUTTONDOWN:
            self._mouse = event.pos
            self._press_button(event.button, event.pos)
        elif event.type == pygame.MOUSEMOTION:
            self._move_to(event.pos)
        elif event.type == pygame.MOUSEBUTTONUP and event.button in (_LEFT, _RIGHT):
            self._send(self.hand.lift())
        elif event.type == pygame.MOUSEWHEEL:
            self._change_width(event.y)
        elif event.type == pygame.WINDOWFOCUSLOST:
            self._send(self.hand.lift())
        elif event.type == pygame.WINDOWLEAVE:
            self._mouse = None

    def _move_to(self, pixel: tuple[int, int]) -> None:
        self._mouse = pixel
        if self.layout:
            self.hand.move(*self.layout.units(pixel))

    def _heed_pad(self) -> None:
        undo = self.controls.presses("undo")
        width = self.controls.presses("wider") - self.controls.presses("thinner")
        way, held = self.controls.vector("left", "right", "up", "down"), self.controls.take()
        window = self._arranged[0] if self._arranged else (1, 1)
        pixel = self._pad_pen.move(way, self._mouse, window, self.playing.clock())
        if pixel is not None:
            self._move_to(pixel)
        wanted = "draw" if held["draw"] else "erase" if held["erase"] else ""
        if wanted != self._pad_held:
            if self._pad_held:
                self._send(self.hand.lift())
            if wanted:
                self._mouse = self._mouse or (window[0] // 2, window[1] // 2)
                self._press_button(_LEFT if wanted == "draw" else _RIGHT, self._mouse)
            self._pad_held = wanted
        if width:
            self._change_width(width)
        if undo:
            self._undo()

    def _press_button(self, button: int, pos: tuple[int, int]) -> None:
        if button not in (_LEFT, _RIGHT) or not self.layout or not self.toolbar:
            return
        if self._asking:
            self._asking = False
            return
        tool = self.toolbar.at(pos)
        if tool is not None:
            self._use(tool)
        elif self.hand.stroke == -1 and self._can_draw and pygame.Rect(self.layout.area).collidepoint(pos):
            self.hand.begin(PAPER if button == _RIGHT else self.colour, self.width, self.layout.units(pos))
            self._take_at = self.playing.clock()  # send the first point at once

    @property
    def _can_draw(self) -> bool:
        return self.session.is_in_game and self.hand.artist is not None

    @property
    def is_host(self) -> bool:
        """Whether the player may clear the picture."""
        return bool(self._view and self.hand.artist and self._view.get("host") == self.hand.artist)

    def _press(self, event: pygame.event.Event) -> bool:
        """Handle a key. Return whether no other part of the program may handle it."""
        if self._asking:
            self._asking = False
            if event.key in (pygame.K_y, pygame.K_RETURN):
                self.tell("CLEAR")
                self.playing.sounds.play("clear")
            return True
        if event.mod & (pygame.KMOD_CTRL | pygame.KMOD_META):
            if event.key == pygame.K_z:
                self._undo()
        elif pygame.K_1 <= event.key < pygame.K_0 + len(COLOURS):
            self._choose(event.key - pygame.K_0)
        elif event.key in (pygame.K_e, pygame.K_0):
            self._choose(PAPER)
        elif event.key in _WIDER_KEYS or event.key in _THINNER_KEYS:
            self._change_width(1 if event.key in _WIDER_KEYS else -1)
        elif event.key == pygame.K_p:
            self._begin_export()
        elif event.key == pygame.K_c:
            self._ask()
        return False

    def _use(self, tool: Tool) -> None:
        match tool.action:
            case "colour":
                self._choose(tool.colour)
            case "thinner" | "wider":
                self._change_width(1 if tool.action == "wider" else -1)
            case "undo":
                self._undo()
            case "export":
                self._begin_export()
            case "clear":
                self._ask()

    def _choose(self, colour: int) -> None:
        self.colour = colour
        self.playing.sounds.play("pick")

    def _change_width(self, by: int) -> None:
        self.width = min(max(self.width + by, 0), len(WIDTHS) - 1)

    def _ask(self) -> None:
        if self.is_host:
            self._send(self.hand.lift())
            self._asking = True
        else:
            self.news.show("Only the host can clear the picture.")

    def _undo(self) -> None:
        """Undo the player's last stroke, here at once, for the others when the server removes it."""
        artist = self.hand.artist
        taken = self.hand.undo(self.picture) if self._can_draw else None
        if taken is None or artist is None:
            self.news.show("You have no stroke to undo.")
            return
        stroke, gone = taken
        self.tell("UNDO", stroke)
        self.playing.sounds.play("undo")
        if self.painter:
            self.painter.hide(rules.stroke_key(artist, stroke))
            self.painter.draw_own(self.hand.pieces(), gone)

    def _hear(self, event: pygame.event.Event) -> None:
        """Handle an event from the server. Newer versions of the game may send unknown ones."""
        match event.name, event.args:
            case "NEWS", (str(text),):
                self.news.show(text)
                self.playing.sounds.play("news")
            case "REFUSED", (int(stroke), str(text)):
                gone = self.hand.drop(stroke)
                if self.painter:
                    self.painter.draw_own(self.hand.pieces(), gone)
                self.news.show(text)
                self.playing.sounds.play("refused")

    # -- connection ----------------------------------------------------------------------------------------------------

    def update(self) -> None:
        """Send the new pieces and the cursor, and apply the newest state."""
        self._heed_pad()
        if self.playing.clock() >= self._take_at:
            self._take_at = self.playing.clock() + PIECE_SECONDS
            self._send(self.hand.take())
            if self.hand.is_full:
                self._send(self.hand.go_on())
                self.news.show("The stroke has its maximum length. It continues as a new one.")
        self.session.send_input(self._pointing())
        self._view = self.session.view(shared=True)
        self._follow(self._view)

    def _send(self, pieces: Iterable[Sent]) -> None:
        for sent in pieces:
            self.tell("INK", sent.stroke, sent.part, sent.line)

    def _pointing(self) -> list[int] | None:
        """Return the input: the mouse's place on the paper and the present stroke, or None off the paper."""
        if self._mouse is None or self.layout is None:
            return None
        if self.hand.stroke == -1 and not pygame.Rect(self.layout.area).collidepoint(self._mouse):
            return None
        return [*rules.clamped(*self.layout.units(self._mouse)), self.hand.stroke]

    def _become(self, artist: int | None) -> None:
        """Begin to draw as an artist. The strokes of an earlier one are the server's alone."""
        if artist == self.hand.artist:
            return
        gone = self.hand.reset()
        self.hand.artist = artist
        if self.painter:
            self.painter.forget_hidden()
            self.painter.draw_own([], gone)

    def _follow(self, view: View) -> None:
        self._departed.follow(view.get("people", {}))
        changes = self.picture.follow(view.get("ink", {}))
        for number in changes.added:
            piece = self.picture.pieces[number]
            self._latest[rules.artist_of(piece)] = piece
        self.hand.confirm(self.picture)
        if self.painter:
            self.painter.change(changes)
            self.painter.draw_own(self.hand.pieces())
            self.painter.work()
        self._go_on_exporting()

    def _begin_export(self) -> None:
        if self._export is None:
            self._export = Export(self.picture)
            self.news.show("Saving the picture ...")

    def _go_on_exporting(self) -> None:
        if self._export is None:
            return
        try:
            path = self._export.work()
        except FileTrouble as trouble:
            self._export = None
            self.news.show(str(trouble))
            self.playing.sounds.play("refused")
            return
        if path is not None:
            self._export = None
            self.news.show(f"Saved as {path.resolve()}")
            self.playing.sounds.play("saved")

    # -- for the host's list of players

    def name_of(self, client_id: int) -> str:
        """Return a client's name."""
        return str(self.session.newest.get("people", {}).get(client_id, {}).get("name", ""))

    def departed(self) -> Sequence[tuple[Any, str]]:
        """Return number and name of the artists that have left strokes behind."""
        return self._departed.left(self.session.newest.get("people", {}), self.picture)

    def host_deeds(self) -> Sequence[HostDeed]:
        """Return the host's action for an artist: undo all strokes."""
        return ((pygame.K_u, "undo all", self._undo_all_of),)

    def _undo_all_of(self, artist: int) -> None:
        self.tell("UNDO_ALL", artist)

    # -- the window --------------------------------------------------------------------------------------------------

    def draw(self, surface: pygame.Surface) -> None:
        """Draw the whole frame."""
        layout, tools, painter = self._arrange(surface)
        area = pygame.Rect(layout.area)
        fill_around(surface, area)
        surface.blit(painter.surface, area)
        view = self._view
        if view is not None and view.ready:
            surface.set_clip(area)
            marks.draw_tails(surface, layout, view, self._latest, self.hand.artist)
            if self._mouse is not None and self._can_draw and area.collidepoint(self._mouse):
                marks.draw_brush(surface, self._mouse, layout.pixels(WIDTHS[self.width]))
            marks.draw_cursors(surface, layout, self.playing.lettering, view, self.hand.artist)
            surface.set_clip(None)
        hovered = tools.at(self._mouse) if self._mouse else None
        tools.draw(surface, self.playing.lettering, self.colour, self.width, hovered)
        self._draw_header(surface, view)
        hud.footer(
            surface, self.playing.lettering, f"{hovered.about[:1].upper()}{hovered.about[1:]}" if hovered else KEYS
        )
        self._draw_words(surface, view)

    def _arrange(self, surface: pygame.Surface) -> tuple[Layout, Toolbar, Painter]:
        size, is_host = surface.get_size(), self.is_host
        if self.layout is None or self.toolbar is None or self.painter is None or self._arranged != (size, is_host):
            self._arranged = (size, is_host)
            top, bottom = header_height(surface), hud.footer_height(surface)
            self.toolbar = Toolbar(size, top, bottom, is_host)
            self.layout = Beside(self.toolbar.width, size, top, bottom)
            if self.painter is None:
                self.painter = Painter(self.picture, self.layout.area[2:])
            else:
                self.painter.resize(self.layout.area[2:])
        return self.layout, self.toolbar, self.painter

    def _draw_header(self, surface: pygame.Surface, view: View | None) -> None:
        letters, size, width = self.playing.lettering, hud.text_size(surface), surface.get_width()
        middle, news = header_height(surface) // 2, self._news_now()
        if news:
            line = letters.line(news, size, WHITE, round(width * 0.6) - size)
            surface.blit(line, line.get_rect(midleft=(size // 2, middle)))
        people = [person["name"] for person in view.get("people", {}).values()] if view else []
        parts = [f"Here: {', '.join(people)}"] if people else []
        if self.playing.invitation and not news:
            parts.append(f"Friends type: {self.playing.invitation}")
        line = letters.line(" · ".join(parts), size, GREY, round(width * (0.4 if news else 1.0)) - size)
        surface.blit(line, line.get_rect(midright=(width - size // 2, middle)))

    def _news_now(self) -> str:
        if self.news.is_shown:
            return self.news.text
        if self.painter and self.painter.pieces_left > MANY_PIECES:
            return f"Painting: {self.painter.pieces_left // 1000 + 1} thousand pieces to go"
        return ""

    def _draw_words(self, surface: pygame.Surface, view: View | None) -> None:
        letters = self.playing.lettering
        if self._asking:
            hud.notice(
                surface,
                letters,
                "Clear the picture?",
                "This removes everybody's strokes. It cannot be undone.",
                "Y: clear it · any other key: keep it",
            )
        elif self.session.is_in_game and (view is None or not view.ready):
            hud.notice(surface, letters, "Canvas", "Loading the picture ...")
