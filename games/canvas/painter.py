"""The picture in pixels, painted bit by bit: a frame has little time, and a picture may have half a million points.

Strokes are painted twice as fine as they are shown, so that their edges are smooth. What is new is painted on top of
what is there. When a stroke goes away, the part of the picture where it was is painted again from the bottom, out of
sight, a bit in each frame; until that is done, what was there stays to be seen. So it is when the size changes.

One's own strokes are painted at once, on top, before the server has them, and again after each that comes from it. When
the server's version of them comes, it is the same, at the same place: nothing flickers, and in the end all who see
the picture see the same.
"""

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import pygame

from games.canvas import rules
from games.canvas.picture import Changes, Picture
from games.canvas.rules import COLOURS, PAPER, WIDTHS, Piece

FINER: Final = 2
MOST_FINE_PIXELS: Final = 14_000_000  # of a surface; larger ones are painted as they are shown
POINTS_PER_FRAME: Final = 2_000  # about 8 ms

Box = tuple[int, int, int, int]  # left, top, right, bottom, in units
EVERYWHERE: Final[Box] = (-rules.OUTSIDE, -rules.OUTSIDE, rules.WIDTH + rules.OUTSIDE, rules.HEIGHT + rules.OUTSIDE)


@dataclass
class _Repair:
    """A part of the picture that is painted again, on a copy, while the old one is shown."""

    surface: pygame.Surface
    box: Box
    clip: pygame.Rect
    todo: deque[bytes]
    since: list[bytes] = field(default_factory=list)  # painted on the old one meanwhile


class Painter:
    """Paints a picture onto `surface`, as large as it was made or `resize`d. Tell it of all changes.

    :param size: width and height of `surface`, in pixels.
    """

    def __init__(self, picture: Picture, size: tuple[int, int]) -> None:
        self._picture = picture
        self._new: deque[tuple[int, bytes]] = deque()
        self._own: Sequence[Piece] = ()
        self._hidden: set[bytes] = set()
        self._boxes: dict[int, Box] = {}  # of the pieces that have been painted, by number
        self._repair: _Repair | None = None
        self._make_surfaces(size)
        self._new.extend(picture.in_order())

    @property
    def is_busy(self) -> bool:
        """Whether there is something left to be painted."""
        return bool(self._new) or self._repair is not None

    @property
    def points_left(self) -> int:
        """How many points there are to be painted, about."""
        left = sum(rules.point_count(piece) for _, piece in self._new)
        return left + (sum(map(rules.point_count, self._repair.todo)) if self._repair else 0)

    def resize(self, size: tuple[int, int]) -> None:
        """Paint all again in another size; until that is done, what there was is shown larger or smaller."""
        if size == self.surface.get_size():
            return
        before = self._fine
        self._make_surfaces(size)
        pygame.transform.smoothscale(before, self._fine.get_size(), self._fine)
        self._show(self._fine.get_rect())
        self._repair = None
        self._begin_repair(EVERYWHERE)

    def change(self, changes: Changes) -> None:
        """Take in what has become different of the picture."""
        self._new.extend((number, self._picture.pieces[number]) for number in changes.added)
        dirty = []
        for number, piece in changes.removed.items():
            box = self._boxes.pop(number, None)  # None: it was not painted yet, and will not be
            if box is not None and rules.stroke_of(piece) not in self._hidden:
                dirty.append(box)
        self._hidden.difference_update(map(rules.stroke_of, changes.removed.values()))
        for number in changes.inserted:
            dirty.append(self._remember(number, self._picture.pieces[number]))
        if not self._picture.pieces and changes.removed:
            self._wipe()
        elif dirty:
            self._begin_repair(_hull(dirty))

    def hide(self, stroke: bytes) -> None:
        """Show a stroke no more, although it is in the picture: the server has not heard yet that it shall go."""
        if stroke in self._hidden:
            return
        pieces = self._picture.in_order()
        boxes = [
            self._boxes[number]
            for number, piece in pieces
            if rules.stroke_of(piece) == stroke and number in self._boxes
        ]
        self._hidden.add(stroke)
        if boxes:
            self._begin_repair(_hull(boxes))

    def forget_hidden(self) -> None:
        """Show all again that was hidden and is in the picture still."""
        if self._hidden:
            self._hidden.clear()
            self._begin_repair(EVERYWHERE)

    def draw_own(self, pieces: Sequence[Piece], gone: Iterable[Piece] = ()) -> None:
        """Paint what is one's own and not in the picture yet.

        :param gone: what was among it, and is not to be seen any more.
        """
        same = 0
        while same < min(len(pieces), len(self._own)) and pieces[same] is self._own[same]:
            same += 1
        self._own = pieces
        for piece in pieces[same:]:
            self._show(_paint(self._fine, piece, self._scale))
        boxes = [rules.box_of(piece) for piece in gone]
        if boxes:
            self._begin_repair(_hull(boxes))

    def work(self, points: int = POINTS_PER_FRAME) -> None:
        """Paint on for a while; call it in each frame.

        :param points: how many at most, about.
        """
        dirty: list[pygame.Rect] = []
        while self._new and points > 0:
            number, piece = self._new.popleft()
            if self._picture.pieces.get(number) != piece:
                continue  # it is gone again
            self._remember(number, piece)
            dirty.append(self._paint_bytes(self._fine, piece))
            if self._repair:
                self._repair.since.append(piece)
            points -= rules.point_count(piece)
        if dirty:
            dirty += [_paint(self._fine, piece, self._scale) for piece in self._own]
            seen = [part for part in dirty if part.w and part.h]
            self._show(seen[0].unionall(seen[1:]) if seen else pygame.Rect(0, 0, 0, 0))
        if self._repair:
            self._work_on(self._repair, points)

    def finish(self) -> None:
        """Paint all there is to paint, however long that takes."""
        while self.is_busy:
            self.work(1_000_000)

    # -- repairs

    def _begin_repair(self, box: Box) -> None:
        """Begin to paint a part again. If another one is being painted, begin with both."""
        if self._repair:
            box = _hull([box, self._repair.box])
        clip = self._pixels(box)
        if not clip.w or not clip.h:
            self._repair = None
            return
        surface = self._fine.copy()
        surface.fill(COLOURS[PAPER], clip)
        waiting = {number for number, _ in self._new}
        todo = deque(
            piece
            for number, piece in self._picture.in_order()
            if number not in waiting and _meet(self._boxes.get(number, EVERYWHERE), box)
        )
        self._repair = _Repair(surface, box, clip, todo)

    def _work_on(self, repair: _Repair, points: int) -> None:
        repair.surface.set_clip(repair.clip)
        while repair.todo and points > 0:
            piece = repair.todo.popleft()
            self._paint_bytes(repair.surface, piece)
            points -= rules.point_count(piece)
        repair.surface.set_clip(None)
        if repair.todo:
            return
        for piece in repair.since:
            self._paint_bytes(repair.surface, piece)
        for own in self._own:
            _paint(repair.surface, own, self._scale)
        self._fine, self._repair = repair.surface, None
        self._show(repair.clip)

    def _wipe(self) -> None:
        self._repair = None
        self._hidden.clear()
        self._fine.fill(COLOURS[PAPER])
        for piece in self._own:
            _paint(self._fine, piece, self._scale)
        self._show(self._fine.get_rect())

    # -- pixels

    def _make_surfaces(self, size: tuple[int, int]) -> None:
        size = max(1, size[0]), max(1, size[1])
        finer = FINER if size[0] * size[1] * FINER**2 <= MOST_FINE_PIXELS else 1
        self.surface = pygame.Surface(size, 0, 32)
        """What there is to be seen."""
        self._fine = pygame.Surface((size[0] * finer, size[1] * finer), 0, 32)
        self._finer: int = finer
        self._scale: float = self._fine.get_width() / rules.WIDTH
        for surface in (self.surface, self._fine):
            surface.fill(COLOURS[PAPER])

    def _remember(self, number: int, piece: bytes) -> Box:
        try:
            box = rules.box_of(rules.unpack(piece))
        except rules.BadPiece:
            box = (0, 0, 0, 0)
        self._boxes[number] = box
        return box

    def _paint_bytes(self, surface: pygame.Surface, piece: bytes) -> pygame.Rect:
        """Paint a piece, unless it is hidden, or one that only newer games know."""
        if rules.stroke_of(piece) in self._hidden:
            return pygame.Rect(0, 0, 0, 0)
        try:
            return _paint(surface, rules.unpack(piece), self._scale)
        except rules.BadPiece:
            return pygame.Rect(0, 0, 0, 0)

    def _pixels(self, box: Box) -> pygame.Rect:
        left, top = math.floor(box[0] * self._scale) - 2, math.floor(box[1] * self._scale) - 2
        right, bottom = math.ceil(box[2] * self._scale) + 2, math.ceil(box[3] * self._scale) + 2
        return pygame.Rect(left, top, right - left, bottom - top).clip(self._fine.get_rect())

    def _show(self, fine: pygame.Rect) -> None:
        """Bring a part of the fine surface to the one that is shown."""
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


def _paint(surface: pygame.Surface, piece: Piece, scale: float) -> pygame.Rect:
    """Paint a piece of a stroke with round ends and joints; return which pixels it may have changed."""
    colour = COLOURS[piece.colour]
    width = max(1, round(WIDTHS[piece.width] * scale))
    points = [(x * scale, y * scale) for x, y in piece.points]
    if width < 3:
        pygame.draw.lines(surface, colour, False, points if len(points) > 1 else points * 2, width)
    else:
        _paint_wide(surface, colour, points, width / 2)
    xs, ys = [x for x, _ in points], [y for _, y in points]
    reach = width // 2 + 2
    left, top = math.floor(min(xs)) - reach, math.floor(min(ys)) - reach
    rect = pygame.Rect(left, top, math.ceil(max(xs)) + reach - left, math.ceil(max(ys)) + reach - top)
    return rect.clip(surface.get_rect())


def _paint_wide(
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


def _hull(boxes: Sequence[Box]) -> Box:
    return (
        min(box[0] for box in boxes),
        min(box[1] for box in boxes),
        max(box[2] for box in boxes),
        max(box[3] for box in boxes),
    )


def _meet(a: Box, b: Box) -> bool:
    return a[0] <= b[2] and b[0] <= a[2] and a[1] <= b[3] and b[1] <= a[3]
