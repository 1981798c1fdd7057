"""Paints the picture in pixels, a few milliseconds a frame: a picture may have half a million points.

Strokes are painted at twice the resolution of the screen, for smooth edges. New pieces go on top. When a stroke is
removed, its part of the picture is repainted from the bottom, out of sight, over several frames; the old part stays
visible meanwhile. A new size works the same way. Copies of older states ("layers") save most of that work: a repaint
starts from the newest one below the change.

The player's own strokes are painted on top at once, and again after each piece from the server. So nothing flickers,
and all players see the same picture in the end.
"""

import functools
import math
import time
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import pygame

from games.canvas import rules
from games.canvas.picture import Changes, Picture
from games.canvas.rules import COLOURS, PAPER, WIDTHS, Piece

OVERSAMPLING: Final = 2
MOST_FINE_PIXELS: Final = 14_000_000  # of a surface; larger ones are painted at single resolution
LEAST_FINE: Final = 3
"""Pixels of the thinnest stroke at the finer resolution. pygame draws lines of 1 and 2 pixels differently at the edge
of a clip, so a repainted part would not fit the rest."""
PIECES_A_LAYER: Final = 300
MOST_LAYERS: Final = 2
FRAME_SECONDS: Final = 0.006  # of a frame for painting; at least one piece is painted on any machine

Box = tuple[int, int, int, int]  # left, top, right, bottom, in units
WHOLE_PAPER: Final[Box] = (-rules.OUTSIDE, -rules.OUTSIDE, rules.WIDTH + rules.OUTSIDE, rules.HEIGHT + rules.OUTSIDE)


@dataclass
class _Repair:
    """A part that is being repainted out of sight.

    `todo` are the pieces from number `first` on, above a layer that ends at `first`, or paper.
    """

    box: Box
    clip: pygame.Rect
    first: int
    todo: deque[tuple[int, bytes]]
    mended: int  # layers up to this number are repainted
    since: list[tuple[int, bytes]] = field(default_factory=list)  # pieces painted on the old part meanwhile


@dataclass
class _Layer:
    """A copy of the picture with the pieces below number `until`."""

    surface: pygame.Surface
    until: int


class Painter:
    """Paints a picture onto `surface`. Call `change` for every change, and `work` in each frame.

    :param size: width and height of `surface` in pixels; `resize` changes it.
    """

    def __init__(self, picture: Picture, size: tuple[int, int]) -> None:
        self._picture = picture
        self._new: deque[tuple[int, bytes]] = deque()
        self._own: Sequence[Piece] = ()
        self._hidden: set[bytes] = set()
        self._boxes: dict[int, Box] = {}  # of the painted pieces, by number
        self._repair: _Repair | None = None
        self._layers: list[_Layer] = []
        self._painted_until = 0  # all painted pieces are below this number
        self._make_surfaces(size)
        self._new.extend(picture.in_order())

    @property
    def is_busy(self) -> bool:
        """Whether anything is left to paint."""
        return bool(self._new) or self._repair is not None

    @property
    def pieces_left(self) -> int:
        """Number of pieces left to paint."""
        return len(self._new) + (len(self._repair.todo) if self._repair else 0)

    def resize(self, size: tuple[int, int]) -> None:
        """Repaint everything in another size. The old picture, scaled, stays visible until then."""
        if size == self.surface.get_size():
            return
        before = self._fine
        self._make_surfaces(size)
        pygame.transform.smoothscale(before, self._fine.get_size(), self._fine)
        self._show(self._fine.get_rect())
        self._repair = None
        self._begin_repair(WHOLE_PAPER, 0)

    def change(self, changes: Changes) -> None:
        """Apply changes of the picture."""
        self._new.extend((number, self._picture.pieces[number]) for number in changes.added)
        if changes.added:  # a restarted server counts from 0 again
            self._layers = [layer for layer in self._layers if layer.until <= changes.added[0]]
        dirty: dict[int, Box] = {}
        for number, piece in changes.removed.items():
            box = self._boxes.pop(number, None)  # None if it was not painted yet
            if box is not None and rules.stroke_of(piece) not in self._hidden:
                dirty[number] = box
        self._hidden.difference_update(map(rules.stroke_of, changes.removed.values()))
        for number in changes.inserted:
            dirty[number] = self._remember(number, self._picture.pieces[number])
        if not self._picture.pieces and changes.removed:
            self._wipe()
        elif dirty:
            self._begin_repair(_hull(dirty.values()), min(dirty))

    def hide(self, stroke: bytes) -> None:
        """Hide a stroke that the server has not removed yet."""
        if stroke in self._hidden:
            return
        self._hidden.add(stroke)
        boxes = {
            number: self._boxes[number]
            for number, piece in self._picture.in_order()
            if piece[: len(stroke)] == stroke and number in self._boxes
        }
        if boxes:
            self._begin_repair(_hull(boxes.values()), min(boxes))

    def forget_hidden(self) -> None:
        """Show the hidden strokes that are still in the picture."""
        if self._hidden:
            self._hidden.clear()
            self._begin_repair(WHOLE_PAPER, 0)

    def draw_own(self, pieces: Sequence[Piece], gone: Iterable[Piece] = ()) -> None:
        """Paint the player's own unconfirmed pieces.

        :param gone: pieces to remove, unconfirmed until now.
        """
        same = 0
        while same < min(len(pieces), len(self._own)) and pieces[same] is self._own[same]:
            same += 1
        self._own = pieces
        for piece in pieces[same:]:
            self._show(_paint(self._fine, piece, self._scale))
        boxes = [rules.box_of(piece) for piece in gone]
        if boxes:
            self._begin_repair(_hull(boxes), self._painted_until)

    def work(self, seconds: float = FRAME_SECONDS) -> None:
        """Paint for `seconds`. Call it in each frame."""
        until = time.perf_counter() + seconds
        dirty: list[pygame.Rect] = []
        while self._new:
            number, piece = self._new.popleft()
            if self._picture.pieces.get(number) != piece:
                continue  # already removed
            self._remember(number, piece)
            dirty.append(self._paint_bytes(self._fine, piece))
            if self._repair:
                self._repair.since.append((number, piece))
            if time.perf_counter() > until:
                break
        if dirty:
            dirty += [_paint(self._fine, piece, self._scale) for piece in self._own]
            seen = [part for part in dirty if part.w and part.h]
            self._show(seen[0].unionall(seen[1:]) if seen else pygame.Rect(0, 0, 0, 0))
        if self._repair:
            self._work_on(self._repair, until)
        if not self.is_busy and not self._own:
            self._keep_layer()

    def finish(self) -> None:
        """Paint everything, however long it takes."""
        while self.is_busy:
            self.work(math.inf)

    # -- repairs

    def _begin_repair(self, box: Box, first: int) -> None:
        """Start to repaint a part in which pieces from number `first` on have changed.

        It also covers the part of a running repaint.
        """
        if self._repair:
            box, first = _hull([box, self._repair.box]), min(first, self._repair.first)
        self._repair, clip = None, self._pixels(box)
        if not clip.w or not clip.h:
            return
        below = next((layer for layer in reversed(self._layers) if layer.until <= first), None)
        self._back.set_clip(clip)
        if below:
            self._back.blit(below.surface, clip, clip)
        else:
            self._back.fill(COLOURS[PAPER])
        first = below.until if below else 0
        self._repair = _Repair(box, clip, first, self._painted_in(box, first), mended=first)

    def _painted_in(self, box: Box, first: int) -> deque[tuple[int, bytes]]:
        """Return the painted pieces from a number on that touch a box."""
        boxes, found = self._boxes, deque[tuple[int, bytes]]()
        margin = math.ceil(8 / self._scale)  # painted edges reach a few pixels out of a box
        left, top, right, bottom = box[0] - margin, box[1] - margin, box[2] + margin, box[3] + margin
        for number, piece in self._picture.in_order():
            if number < first or (its := boxes.get(number)) is None:
                continue
            if its[0] <= right and left <= its[2] and its[1] <= bottom and top <= its[3]:
                found.append((number, piece))
        return found

    def _work_on(self, repair: _Repair, until: float) -> None:
        while repair.todo:
            number, piece = repair.todo[0]
            self._mend_layers(repair, number)
            repair.todo.popleft()
            self._paint_again(number, piece)
            if time.perf_counter() > until:
                break
        if repair.todo:
            return
        self._mend_layers(repair, self._painted_until + 1)
        for number, piece in repair.since:
            self._paint_again(number, piece)
        for own in self._own:
            _paint(self._back, own, self._scale)
        self._fine.blit(self._back, repair.clip, repair.clip)
        self._repair = None
        self._show(repair.clip)

    def _paint_again(self, number: int, piece: bytes) -> None:
        if self._picture.pieces.get(number) == piece:  # otherwise it was hidden and is now removed
            self._paint_bytes(self._back, piece)

    def _mend_layers(self, repair: _Repair, next_number: int) -> None:
        """Copy the repainted part to the layers that end here."""
        for layer in self._layers:
            if repair.mended < layer.until <= next_number:
                layer.surface.blit(self._back, repair.clip, repair.clip)
        repair.mended = max(repair.mended, next_number)

    def _keep_layer(self) -> None:
        if self._layers and self._painted_until < self._layers[-1].until + PIECES_A_LAYER:
            return
        self._layers = [*self._layers[1 - MOST_LAYERS :], _Layer(self._fine.copy(), self._painted_until)]

    def _wipe(self) -> None:
        self._repair = None
        self._hidden.clear()
        self._layers.clear()
        self._fine.fill(COLOURS[PAPER])
        for piece in self._own:
            _paint(self._fine, piece, self._scale)
        self._show(self._fine.get_rect())

    # -- pixels

    def _make_surfaces(self, size: tuple[int, int]) -> None:
        size = max(1, size[0]), max(1, size[1])
        finer = OVERSAMPLING if size[0] * size[1] * OVERSAMPLING**2 <= MOST_FINE_PIXELS else 1
        self.surface = pygame.Surface(size, 0, 32)
        """The visible picture."""
        self._fine = pygame.Surface((size[0] * finer, size[1] * finer), 0, 32)
        self._finer: int = finer
        self._scale: float = self._fine.get_width() / rules.WIDTH
        self._back = self._fine.copy()
        self._layers.clear()
        for surface in (self.surface, self._fine):
            surface.fill(COLOURS[PAPER])

    def _remember(self, number: int, piece: bytes) -> Box:
        unpacked = _unpacked(piece)
        box = self._boxes[number] = rules.box_of(unpacked) if unpacked else (0, 0, 0, 0)
        self._painted_until = max(self._painted_until, number + 1)
        return box

    def _paint_bytes(self, surface: pygame.Surface, piece: bytes) -> pygame.Rect:
        """Paint a piece, unless it is hidden or of a newer version. Return the changed part of the surface."""
        unpacked = None if rules.stroke_of(piece) in self._hidden else _unpacked(piece)
        return _paint(surface, unpacked, self._scale) if unpacked else pygame.Rect(0, 0, 0, 0)

    def _pixels(self, box: Box) -> pygame.Rect:
        left, top = math.floor(box[0] * self._scale) - 2, math.floor(box[1] * self._scale) - 2
        right, bottom = math.ceil(box[2] * self._scale) + 2, math.ceil(box[3] * self._scale) + 2
        return pygame.Rect(left, top, right - left, bottom - top).clip(self._fine.get_rect())

    def _show(self, fine: pygame.Rect) -> None:
        finer = self._finer
        left, top = fine.left // finer, fine.top // finer
        part = pygame.Rect(left, top, -(-fine.right // finer) - left, -(-fine.bottom // finer) - top)
        part = part.clip(self.surface.get_rect())
        if not part.w or not part.h:
            return
        source = self._fine.subsurface([edge * finer for edge in part])
        if finer == 1:
            self.surface.blit(source, part)
        else:
            pygame.transform.smoothscale(source, part.size, self.surface.subsurface(part))


@functools.lru_cache(maxsize=1)  # a new piece is unpacked twice in a row
def _unpacked(piece: bytes) -> Piece | None:
    try:
        return rules.unpack(piece)
    except rules.BadPiece:
        return None


def _paint(surface: pygame.Surface, piece: Piece, scale: float) -> pygame.Rect:
    """Paint a piece with round ends and joints. Return the part of the surface that may have changed."""
    colour = COLOURS[piece.colour]
    width = max(LEAST_FINE, round(WIDTHS[piece.width] * scale))
    points = [(x * scale, y * scale) for x, y in piece.points]
    _paint_line(surface, colour, points, width / 2)
    xs, ys = [x for x, _ in points], [y for _, y in points]
    reach = width // 2 + 2
    left, top = math.floor(min(xs)) - reach, math.floor(min(ys)) - reach
    rect = pygame.Rect(left, top, math.ceil(max(xs)) + reach - left, math.ceil(max(ys)) + reach - top)
    return rect.clip(surface.get_rect())


def _paint_line(
    surface: pygame.Surface, colour: tuple[int, int, int], points: list[tuple[float, float]], radius: float
) -> None:
    circle, polygon, hypot = pygame.draw.circle, pygame.draw.polygon, math.hypot
    ax, ay = points[0]
    circle(surface, colour, (ax, ay), radius)
    for bx, by in points[1:]:
        dx, dy = bx - ax, by - ay
        length = hypot(dx, dy)
        if length:
            ox, oy = -dy / length * radius, dx / length * radius
            polygon(surface, colour, ((ax + ox, ay + oy), (bx + ox, by + oy), (bx - ox, by - oy), (ax - ox, ay - oy)))
        circle(surface, colour, (bx, by), radius)
        ax, ay = bx, by


def _hull(boxes: Collection[Box]) -> Box:
    return (
        min(box[0] for box in boxes),
        min(box[1] for box in boxes),
        max(box[2] for box in boxes),
        max(box[3] for box in boxes),
    )
