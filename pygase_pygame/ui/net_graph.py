"""Figures and a chart of the connection, over the game (F3).

The chart has a bar for each snapshot that arrived, the newest at the right. At the line in its middle the picture would
have stood still without the snapshot:

- a bar up from the line: the snapshot arrived earlier than it was needed, by the bar's length (blue);
- a bar down from the line: it arrived too late. Until then movement was extrapolated (yellow), or stood still (red, and
  broader);
- a cross below the line: a snapshot in between is lost, or still on its way.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import pygame

from pygase import ConnectionStats, Snapshot, Spread

from ..session import Session
from .lettering import Lettering
from .palette import GREY, LINE, NIGHT, ORANGE, RED, SKY, WHITE, YELLOW, Colour

TEXT_INTERVAL: Final = 0.25
"""Seconds between two updates of the figures."""

QUEUE_SHOWN: Final = 0.04
"""Seconds of queue in the line from which on it is shown."""

SCALE: Final = 0.15
"""Seconds from the line to the chart's edge, where longer bars end."""

_WIDTH, _STRIP_HEIGHT, _PADDING, _BAR = 298, 72, 8, 3  # pixels
_TEXT_HEIGHT, _FONT = 17, 19
_LABEL_WIDTH: Final = 74
_LABELS: Final = ("ping", "lost", "in", "out", "picture", "state", "trouble", "predicted")


class _Look(NamedTuple):
    corner: str
    opacity: float


class NetGraph:
    """A panel with figures and a chart. Draw it last::

        graph = pygase_pygame.NetGraph(session)
        graph.handle(event)         # F3 shows and hides it
        graph.draw(screen)

    :param session: the session to measure.
    :param key: shows and hides the panel.
    :param visible: whether it is shown from the start.
    :param corner: its corner of the surface: "topleft", "topright", "bottomleft" or "bottomright".
    :param opacity: 0 to 1; below 1 what lies behind it is seen as well. From 0.85 on, its text is legible on white.
    :param clock: the session's clock.
    :raises ValueError: ``corner`` is none of these.
    """

    def __init__(
        self,
        session: Session,
        *,
        key: int = pygame.K_F3,
        visible: bool = False,
        corner: str = "topright",
        opacity: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if corner not in ("topleft", "topright", "bottomleft", "bottomright"):
            raise ValueError(f"corner must be topleft, topright, bottomleft or bottomright, not {corner!r}")
        self.session = session
        self.visible = visible
        self._key = key
        self._look = _Look(corner, opacity)
        self._clock = clock
        self._letters = Lettering(0.8)
        self._forget()

    def _forget(self) -> None:
        self._panel: pygame.Surface | None = None
        self._strip: pygame.Surface | None = None
        self.written: dict[str, str] = {}
        """The text that each line shows, by its label."""
        self._texts: dict[str, str] = {}
        self._stale: list[str] = []
        self._texts_due_at = float("-inf")
        self.newest: Snapshot | None = None
        """The newest snapshot in the chart."""

    def handle(self, event: pygame.event.Event) -> bool:
        """Take in a pygame event; return True if it was the key."""
        if event.type != pygame.KEYDOWN or event.key != self._key:
            return False
        self.visible = not self.visible
        self._forget()
        return True

    def draw(self, surface: pygame.Surface) -> pygame.Rect | None:
        """Draw the graph and return its rectangle; while it is hidden, return None."""
        if not self.visible:
            return None
        if self._panel is None or self._strip is None:
            self._panel, self._strip = self._new_panel(surface), self._new_strip(surface)
        now = self._clock()
        self._take_snapshots(self._strip, now)
        self._write(self._panel, now)
        self._panel.blit(self._strip, (_PADDING, self._panel.get_height() - _STRIP_HEIGHT - _PADDING))
        place = self._panel.get_rect()
        margin = 8
        where = surface.get_rect().inflate(-2 * margin, -2 * margin)
        setattr(place, self._look.corner, getattr(where, self._look.corner))
        return surface.blit(self._panel, place)

    # -- the strip

    def _take_snapshots(self, strip: pygame.Surface, now: float) -> None:
        fresh: list[Snapshot] = []
        before = None
        for before in reversed(self.session.client.snapshots):
            if before is self.newest:
                break
            fresh.append(before)
        if not fresh:
            return
        if before is not self.newest or before is None:
            before = fresh.pop()  # the first of all: nothing was known before it, so it was not needed
        self.newest = fresh[0] if fresh else before
        playback = self.session.buffer.playback_time(now=now)
        if playback is None:
            return
        for snapshot in reversed(fresh):
            self._mark(strip, before, snapshot, playback - (now - snapshot.received_at))
            before = snapshot

    def _mark(self, strip: pygame.Surface, before: Snapshot, snapshot: Snapshot, playback: float) -> None:
        """Draw the bar of a snapshot that arrived at the picture's time ``playback``."""
        if snapshot.tick <= before.tick:
            return  # a newer one arrived before it
        lost = before.tick < snapshot.previous_tick
        known_until = before.time if lost else min(max(before.time, snapshot.changed_after), snapshot.time)
        if before.resting and lost:
            known_until = snapshot.changed_after  # the end of the rest is unknown
        self._bar(strip, known_until - playback, lost)

    def _bar(self, strip: pygame.Surface, early: float, lost: bool) -> None:
        """Draw the bar of a snapshot that was ``early`` seconds early; below 0, too late."""
        width, height = strip.get_size()
        middle = height // 2
        strip.scroll(-_BAR, 0)
        strip.fill(NIGHT, (width - _BAR, 0, _BAR, height))
        strip.fill(LINE, (width - _BAR, middle, _BAR, 1))
        length = max(1, min(round(abs(early) / SCALE * middle), middle))
        if early >= 0:
            strip.fill(SKY, (width - _BAR, middle - length, _BAR - 1, length))
        else:
            stalled = -early > self._bridging()
            strip.fill(RED if stalled else YELLOW, (width - _BAR, middle + 1, _BAR if stalled else _BAR - 1, length))
        if lost:
            self._cross(strip, width - _BAR, height - 4)

    def _cross(self, strip: pygame.Surface, x: int, y: int) -> None:
        for dx, dy in ((0, 0), (2, 0), (1, 1), (0, 2), (2, 2)):
            strip.set_at((x + dx, y + dy), ORANGE)

    def _bridging(self) -> float:
        """Return the seconds of extrapolation while a snapshot is late: about a send interval."""
        snapshots = self.session.client.snapshots[-2:]
        return snapshots[-1].time - snapshots[0].time if len(snapshots) == 2 else 0.0

    # -- the figures

    def _write(self, panel: pygame.Surface, now: float) -> None:
        """Update one line of text a frame, for speed."""
        if not self._stale and now >= self._texts_due_at:
            self._texts_due_at = now + TEXT_INTERVAL
            self._texts = self.figures(now)
            self._stale = [label for label in _LABELS if self._texts[label] != self.written.get(label)]
        if self._stale:
            self._write_line(panel, self._stale.pop(0))

    def _write_line(self, panel: pygame.Surface, label: str) -> None:
        text = self._texts[label]
        self.written[label] = text
        line = pygame.Rect(
            _LABEL_WIDTH + _PADDING,
            _PADDING + _LABELS.index(label) * _TEXT_HEIGHT,
            _WIDTH - _LABEL_WIDTH - 2 * _PADDING,
            _TEXT_HEIGHT,
        )
        panel.fill(NIGHT, line)
        panel.blit(self._letters.line(text, _FONT, WHITE, line.width), line)

    def figures(self, now: float) -> dict[str, str]:
        """Return the text of each line, by its label."""
        stats: ConnectionStats = self.session.client.stats
        prediction = self.session.prediction
        texts = {
            "ping": self._ping(stats),
            "lost": f"{stats.loss:.1%} of ours",
            "in": f"{_rate(stats.bytes_received_per_second)}, {stats.packets_received_per_second:.0f} packets/s",
            "out": f"{_rate(stats.bytes_sent_per_second)}, {stats.packets_sent_per_second:.0f} packets/s",
            "picture": "nothing to show yet",
            "state": "none yet",
            "trouble": "none yet",
            "predicted": "nothing",
        }
        playback = self.session.buffer.stats(now=now)
        if playback is not None:
            texts["picture"] = f"{_ms(playback.delay)} behind, wants {_ms(playback.target_delay)}"
            texts["state"] = f"{_ms(stats.snapshot_age or playback.age)} old, {stats.states_skipped} skipped"
            if playback.loss is not None:
                texts["lost"] += f", {playback.loss:.1%} of states"
            texts["trouble"] = f"stood still {playback.stalls}×, bridged {playback.bridged_frames}"
        if prediction is not None:
            ahead = f"{prediction.ahead} ahead" + _off(prediction.errors)
            texts["predicted"] = "stands: no answer" if self.session.is_stalled else ahead
        return texts

    def _ping(self, stats: ConnectionStats) -> str:
        """Return the round trip, and the part of it that datagrams wait in the line, if that is much."""
        if not stats.rtt:
            return self.session.status
        queue = f", {_ms(stats.queue_delay)} in queue" if stats.queue_delay >= QUEUE_SHOWN else ""
        return f"{_ms(stats.rtt)} ±{_ms(stats.jitter)}{queue}"

    # -- surfaces

    def _new_panel(self, surface: pygame.Surface) -> pygame.Surface:
        size = (_WIDTH, len(_LABELS) * _TEXT_HEIGHT + _STRIP_HEIGHT + 3 * _PADDING)
        panel = _like(surface, size, NIGHT)
        panel.set_alpha(round(255 * self._look.opacity))
        pygame.draw.rect(panel, LINE, panel.get_rect(), width=1)
        for number, label in enumerate(_LABELS):
            text = self._letters.line(label, _FONT, GREY, _LABEL_WIDTH)
            panel.blit(text, (_PADDING, _PADDING + number * _TEXT_HEIGHT))
        return panel

    def _new_strip(self, surface: pygame.Surface) -> pygame.Surface:
        strip = _like(surface, ((_WIDTH - 2 * _PADDING) // _BAR * _BAR, _STRIP_HEIGHT), NIGHT)
        strip.fill(LINE, (0, _STRIP_HEIGHT // 2, _WIDTH, 1))
        return strip


def _like(surface: pygame.Surface, size: tuple[int, int], colour: Colour) -> pygame.Surface:
    """Return a surface of the same format without alpha, for speed."""
    made = pygame.Surface(size, depth=surface.get_bitsize()) if surface.get_bitsize() >= 24 else pygame.Surface(size)
    made.fill(colour)
    return made


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


def _rate(bytes_per_second: float) -> str:
    return f"{bytes_per_second / 1000:.1f} kB/s"


def _off(errors: Mapping[str, Spread]) -> str:
    """Return how far off the worst body was predicted: half of its guesses, and 99 % of them."""
    if not errors:
        return ""
    path, worst = max(errors.items(), key=lambda item: (item[1].p99, item[1].p50))
    return f", {path or 'you'} off {_number(worst.p50)}, p99 {_number(worst.p99)}"


def _number(value: float) -> str:
    return f"{value:.2f}" if value < 100 else f"{value:.0f}"
