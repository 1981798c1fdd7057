"""What there is to see in one frame of Pong, in words and numbers: decided here, drawn by `court`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

from games.pong import rules
from games.pong.rules import SIDES, Match, Side

Seat = Literal["left", "right", ""]  # one's own side, or "" for those who watch

KEYS: Final = "W/S or Up/Down: move · Esc: quit"
KEYS_WATCHING: Final = "Esc: quit"
KEYS_LOST: Final = "R: try again · Esc: quit"


class State(Protocol):
    """A game state to read, be it an interpolated view or a plain dict: empty until the first has come."""

    def get(self, name: str, default: Any = None, /) -> Any:
        """Return a part of the state, or `default` where there is none."""


@dataclass(frozen=True)
class Notice:
    """Something that stands in front of the court: a heading, a sentence, and what one can do about it."""

    title: str
    text: str = ""
    hint: str = ""


@dataclass(frozen=True)
class Scene:
    """Everything that is to be seen in one frame."""

    match: Match | None = None  # an empty court until the server has told us more
    names: Mapping[Side, str] = field(default_factory=dict)
    you: Side | None = None
    status: str = ""
    healthy: bool = False  # does the status tell of a connection that works?
    keys: str = ""
    news: str = ""
    notice: Notice | None = None


@dataclass(frozen=True)
class Link:
    """How the connection is doing, as far as a player cares."""

    status: Literal["connecting", "connected", "lost"]
    where: str  # the server's address as one types it
    rtt: float | None = None  # seconds
    trouble: str = ""  # when lost: why, in a sentence


def scene_of(state: State, seat: Seat | None, link: Link, news: str = "", invitation: str = "") -> Scene:
    """Return what there is to show.

    `seat` is our own side, "" if we watch, or None as long as the server has not told us.
    `invitation` is what friends have to type, if we know it.
    """
    match: Match | None = state.get("match")
    names: dict[Side, str] = {side: state.get("players")[side]["name"] for side in SIDES} if match else {}
    connected = link.status == "connected"
    return Scene(
        match=match,
        names=names,
        you=seat or None,
        status=_status(link, seat, state.get("watching", 0)),
        healthy=connected,
        keys=(KEYS if seat else KEYS_WATCHING) if connected else "",
        news=news,
        notice=_match_notice(match, names, seat, invitation)
        if connected
        else _link_notice(link, played=match is not None),
    )


def _status(link: Link, seat: Seat | None, watching: int) -> str:
    if link.status == "connecting":
        return "Connecting"
    if link.status == "lost":
        return "Not connected"
    parts = ["Connected" if link.rtt is None else f"Connected, {link.rtt * 1000:.0f} ms"]
    if seat == "":
        parts.append("you are watching" if watching < 2 else f"you and {watching - 1} more are watching")
    elif watching:
        parts.append(f"{watching} watching")
    return " · ".join(parts)


def _link_notice(link: Link, played: bool) -> Notice:
    if link.status == "connecting":
        return Notice("Pong", f"Connecting to {link.where} ...", "Esc: quit")
    return Notice("Disconnected" if played else f"No game at {link.where}", link.trouble, KEYS_LOST)


def _match_notice(match: Match | None, names: Mapping[Side, str], seat: Seat | None, invitation: str) -> Notice | None:
    if match is None:
        return None
    if match["phase"] == rules.WAITING:
        how = "Friends type:" if invitation else ""
        return Notice("Waiting for a second player", f"The match begins when somebody joins. {how}", invitation)
    if match["phase"] == rules.OVER and match["winner"]:
        return _result(match, names, seat)
    return None


def _result(match: Match, names: Mapping[Side, str], seat: Seat | None) -> Notice:
    winner: Side = match["winner"] or "left"
    score = f"{match['score'][winner]} : {match['score'][rules.other(winner)]}"
    who = "You win" if seat == winner else f"{names[winner]} wins"
    return Notice(f"{who} {score}", hint="Space: play again" if seat else "")
