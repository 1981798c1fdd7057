"""Simulated links: the figures of a path between two machines, and the fate of datagrams on it. Pure: time and random
numbers are arguments."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import random

__all__ = ["LINKS", "Link", "LinkPath", "as_link", "describe_link", "parse_link"]


@dataclass(frozen=True)
class Link:
    """The figures of a path in one direction. A connection has a link for each direction, usually the same.

    :ivar latency: seconds that every datagram takes.
    :ivar jitter: additional delay, uniform from 0 to this number of seconds. It lets datagrams overtake each other.
    :ivar loss: share of datagrams lost at random, 0..1.
    :ivar burst_loss: share of datagrams that begin a burst of loss, 0..1.
    :ivar burst_length: mean length of a burst, in datagrams.
    :ivar duplicate: share of datagrams that arrive twice, 0..1.
    :ivar reorder: share of datagrams held back for an additional ``latency + jitter + 20 ms``, 0..1.
    :ivar bandwidth: bytes a second; None: no limit.
    :ivar queue_bytes: bytes that the bottleneck holds before it drops datagrams.
    :ivar in_order: a datagram delayed by jitter also delays those behind it, as in a real queue (Wi-Fi, mobile).
    :raises ValueError, TypeError: a figure is out of its range, or is no number.
    """

    latency: float = 0.0
    jitter: float = 0.0
    loss: float = 0.0
    burst_loss: float = 0.0
    burst_length: float = 5.0
    duplicate: float = 0.0
    reorder: float = 0.0
    bandwidth: float | None = None
    queue_bytes: int = 64_000
    in_order: bool = False

    def __post_init__(self) -> None:
        for name in ("loss", "burst_loss", "duplicate", "reorder"):
            if not 0.0 <= self._number(name) <= 1.0:
                raise ValueError(f"Link.{name} is a share, from 0 to 1; got {getattr(self, name)!r}")
        for name in ("latency", "jitter"):
            if not 0.0 <= self._number(name) < math.inf:
                raise ValueError(f"Link.{name} is a number of seconds, not negative; got {getattr(self, name)!r}")
        if self.bandwidth is not None and not self._number("bandwidth") > 0:
            raise ValueError(f"Link.bandwidth is a positive number of bytes a second, or None; got {self.bandwidth!r}")
        if not self._number("burst_length") > 0:
            raise ValueError(f"Link.burst_length is a positive number of datagrams; got {self.burst_length!r}")
        if not self._number("queue_bytes") >= 0:
            raise ValueError(f"Link.queue_bytes is a number of bytes, not negative; got {self.queue_bytes!r}")

    def _number(self, name: str) -> float:
        value = getattr(self, name)
        if not isinstance(value, (int, float)):
            raise TypeError(f"Link.{name} is a number; got {value!r}. (A text such as 'loss=5%' is for parse_link.)")
        return value


_GAP: Final = 1e-6
"""Seconds between two datagrams that must stay in order: more than the rounding of sums of times."""


class LinkPath:
    """One direction of one connection: computes the delay of each datagram, and its loss or duplication.

    :ivar link: may be replaced at any time. Datagrams in the queue keep their place.
    :ivar blocked: if True, every datagram is lost.
    :ivar carried, lost: numbers of datagrams.
    """

    def __init__(self, link: Link) -> None:
        self.link = link
        self.blocked = False
        self.carried = self.lost = 0
        self._burst_left = 0
        self._free_at = 0.0
        self._last_at = -math.inf

    def delays(self, size_bytes: int, now: float, rng: random.Random) -> list[float]:
        """Return the delay of each copy of a datagram, in seconds; an empty list if it is lost."""
        link = self.link
        queued = None if self.blocked or self._is_lost(rng) else self._queue_delay(size_bytes, now)
        if queued is None:
            self.lost += 1
            return []
        self.carried += 1
        copies = 2 if link.duplicate and rng.random() < link.duplicate else 1
        return [self._delay(queued, now, rng) for _ in range(copies)]

    def queued(self, now: float) -> float:
        """Return the seconds until the bottleneck has sent all datagrams that wait in it."""
        return max(self._free_at - now, 0.0)

    def _is_lost(self, rng: random.Random) -> bool:
        """Bursts are those of Gilbert (1960) and Elliott (1963)."""
        link = self.link
        if self._burst_left > 0:
            self._burst_left -= 1
            return True
        if link.burst_loss and rng.random() < link.burst_loss:
            self._burst_left = int(rng.expovariate(1.0 / link.burst_length))
            return True
        return bool(link.loss) and rng.random() < link.loss

    def _queue_delay(self, size_bytes: int, now: float) -> float | None:
        bandwidth = self.link.bandwidth
        if bandwidth is None:
            return 0.0
        waiting = self.queued(now)
        if waiting * bandwidth > self.link.queue_bytes:
            return None
        self._free_at = now + waiting + size_bytes / bandwidth
        return self._free_at - now

    def _delay(self, queued: float, now: float, rng: random.Random) -> float:
        link = self.link
        extra = rng.random() * link.jitter if link.jitter else 0.0
        if link.reorder and rng.random() < link.reorder:
            return queued + link.latency + (extra + (link.latency + link.jitter + 0.02))
        delay = queued + link.latency + extra
        if link.in_order:
            self._last_at = max(self._last_at + _GAP, now + delay)
            delay = self._last_at - now
        return delay


# -- presets -----------------------------------------------------------------------------------------------------------

LINKS: Final[Mapping[str, Link]] = MappingProxyType(
    {
        # Two machines at one switch or router, by cable: pings of 0.5 to 2 ms, programs included.
        "lan": Link(latency=0.0005, jitter=0.0005, in_order=True),
        # A home's Wi-Fi and a server in the same country: a round trip of 20 ms, plus the Wi-Fi. 90 % of the datagrams
        # cross Wi-Fi within 20 ms (Sui et al., "Characterizing and Improving WiFi Latency", MobiSys 2016; the slowest
        # 1 % take 250 ms, which is not simulated). Wi-Fi repeats lost frames, so the remaining losses are in bursts.
        # 20 Mbit/s, with a buffer of 0.1 s.
        "wifi": Link(
            latency=0.010,
            jitter=0.020,
            loss=0.001,
            burst_loss=0.003,
            burst_length=3.0,
            bandwidth=2_500_000,
            queue_bytes=250_000,
            in_order=True,
        ),
        # 4G with a medium signal. Ofcom measured a mean round trip of 53 ms in British cities (2014); this is a worse
        # place and a server farther away. Base stations have deep buffers (Jiang et al., "Tackling Bufferbloat in
        # 3G/4G Networks", IMC 2012): 0.6 s at 5 Mbit/s. Loss at a change of the cell: 2 %, in bursts.
        "mobile": Link(
            latency=0.040,
            jitter=0.040,
            loss=0.002,
            burst_loss=0.004,
            burst_length=5.0,
            bandwidth=625_000,
            queue_bytes=375_000,
            in_order=True,
        ),
        # A geostationary satellite: 279 ms each way to the edge of its area (RFC 2488, section 2), plus the wait for a
        # slot to send. 3 Mbit/s, buffers of a second. (Satellites in low orbit are like "mobile".)
        "satellite": Link(
            latency=0.280,
            jitter=0.030,
            loss=0.003,
            burst_loss=0.001,
            burst_length=6.0,
            bandwidth=375_000,
            queue_bytes=375_000,
            in_order=True,
        ),
        # A train's Wi-Fi, a crowded hall. Not measured: it is all troubles at once. About 12 % are lost, three quarters
        # of them in bursts. 512 kbit/s, with a buffer of a second.
        "awful": Link(
            latency=0.120,
            jitter=0.120,
            loss=0.03,
            burst_loss=0.015,
            burst_length=6.0,
            duplicate=0.005,
            reorder=0.01,
            bandwidth=64_000,
            queue_bytes=64_000,
            in_order=True,
        ),
    }
)
"""Links by name, for each direction, from the best to the worst."""

OFF: Final = "off"


# -- as text -----------------------------------------------------------------------------------------------------------

_NUMBER_AND_UNIT: Final = re.compile(r"(\d{1,12}(?:\.\d*)?|\.\d+)(.*)", re.ASCII)

_DURATION_UNITS: Final = {"ms": 0.001, "s": 1.0}
_SHARE_UNITS: Final = {"%": 0.01}
_COUNT_UNITS: Final = {"": 1.0}
_SIZE_UNITS: Final = {"kB": 1e3, "MB": 1e6, "B": 1.0}
_RATE_UNITS: Final = {"kbit/s": 125.0, "Mbit/s": 125e3, "Gbit/s": 125e6, "kB/s": 1e3, "MB/s": 1e6, "B/s": 1.0}

_FIGURES: Final[dict[str, tuple[str, dict[str, float], str]]] = {
    # word: (the field's name, its units, an example)
    "latency": ("latency", _DURATION_UNITS, "80ms"),
    "jitter": ("jitter", _DURATION_UNITS, "20ms"),
    "loss": ("loss", _SHARE_UNITS, "5%"),
    "burst_loss": ("burst_loss", _SHARE_UNITS, "1%"),
    "burst_length": ("burst_length", _COUNT_UNITS, "5"),
    "duplicate": ("duplicate", _SHARE_UNITS, "1%"),
    "reorder": ("reorder", _SHARE_UNITS, "1%"),
    "bandwidth": ("bandwidth", _RATE_UNITS, "2Mbit/s"),
    "queue": ("queue_bytes", _SIZE_UNITS, "64kB"),
    "in_order": ("in_order", {}, "yes"),
}

_EXPECTED: Final = (
    f"a link is one of {', '.join(LINKS)}, {OFF}, or figures such as "
    "'latency=80ms jitter=20ms loss=5%', or both: 'mobile loss=10%'"
)


def parse_link(text: str) -> Link | None:
    """Return the link of a text such as ``"mobile loss=10%"``; None for ``"off"``.

    The text is a name of LINKS, or figures, or a name and then the figures that differ, separated by spaces or commas.
    The figures are ``latency``, ``jitter`` (ms, s), ``loss``, ``burst_loss``, ``duplicate``, ``reorder`` (%),
    ``burst_length`` (a number), ``bandwidth`` (kbit/s, Mbit/s, kB/s …), ``queue`` (kB) and ``in_order`` (yes or no);
    see Link. They hold for each direction.

    :raises ValueError: the text describes no link.
    :raises TypeError: it is no text.
    """
    if not isinstance(text, str):
        raise TypeError(f"a link's description is a str, got {text!r}; {_EXPECTED}")
    words = text.replace(",", " ").split()
    if not words:
        raise ValueError(f"a link's description is empty; {_EXPECTED}")
    if words == [OFF]:
        return None
    base = Link()
    if "=" not in words[0]:
        base = _preset(words.pop(0))
    figures: dict[str, Any] = {}
    for word in words:
        field, value = _parse_figure(word)
        if field in figures:
            raise ValueError(f"{word!r}: {word.partition('=')[0]} is given twice")
        figures[field] = value
    return replace(base, **figures)


def _preset(name: str) -> Link:
    if name == OFF:
        raise ValueError(f"{OFF!r} stands alone: it takes no figures")
    if name not in LINKS:
        raise ValueError(f"there is no link {name!r:.60}; {_EXPECTED}")
    return LINKS[name]


def _parse_figure(word: str) -> tuple[str, Any]:
    key, equals, text = word.partition("=")
    key = key.replace("-", "_")
    if not equals:
        raise ValueError(f"{word!r:.60} says nothing about a link: write it without spaces, as in 'latency=80ms'")
    if key not in _FIGURES:
        raise ValueError(f"{word!r:.60}: a link has no {key!r:.60}, but {', '.join(_FIGURES)}")
    field, units, example = _FIGURES[key]
    if not units:
        if text not in ("yes", "no"):
            raise ValueError(f"{word!r:.60}: {key} is yes or no")
        return field, text == "yes"
    value = _parse_number(text, units)
    if value is None:
        unit = f" with its unit ({' or '.join(filter(None, units))})" if "" not in units else ""
        raise ValueError(f"{word!r:.60}: {key} is a number{unit}, as in '{key}={example}'")
    try:
        replace(Link(), **dict[str, Any]({field: value}))
    except ValueError as error:
        raise ValueError(f"{word!r:.60}: {error}") from None
    return field, int(value) if field == "queue_bytes" else value


def _parse_number(text: str, units: dict[str, float]) -> float | None:
    match = _NUMBER_AND_UNIT.fullmatch(text)
    if match is None:
        return None
    number, unit = float(match[1]), match[2]
    if unit not in units:
        return 0.0 if number == 0 and not unit else None  # 0 needs no unit
    return float(f"{number * units[unit]:.12g}")  # 5 * 0.01 is to be 0.05


def describe_link(link: Link | None) -> str:
    """Return the text of a link for ``parse_link``: ``"off"``, a name of LINKS, or the figures."""
    if link is None:
        return OFF
    for name, preset in LINKS.items():
        if link == preset:
            return name
    words = []
    usual = {field.name: field.default for field in fields(Link)}
    for key, (field, units, _) in _FIGURES.items():
        value = getattr(link, field)
        if value != usual[field] and value is not None:
            words.append(f"{key}={_with_unit(value, units)}")
    return " ".join(words) or "latency=0ms"


def _with_unit(value: float, units: dict[str, float]) -> str:
    if not units:
        return "yes" if value else "no"
    unit, size = next(iter(units.items()))
    return f"{value / size:.10g}{unit}"


def as_link(link: Link | str | None) -> Link | None:
    """Return a link given as a Link or as a text; None, for no simulated link, stays None.

    :raises ValueError, TypeError: the argument is no link.
    """
    if link is None or isinstance(link, Link):
        return link
    if isinstance(link, str):
        return parse_link(link)
    raise TypeError(f"a link is a pygase.links.Link, a text, or None; got {link!r:.60}. {_EXPECTED}")
