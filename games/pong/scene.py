"""The content of one frame of Pong, in words and numbers. `court` draws it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from games.pong import flight, rules
from games.pong.echo import TrailPoint
from games.pong.flight import LEFT, RIGHT, SIDES, Side
from games.pong.rules import Match
from games.pong.seats import Seat

MOVE: Final = "W/S or Up/Down: move"
MOVE_BOTH: Final = "W/S and Up/Down: move"
CALL_GUEST: Final = "2: second player here"
DISMISS_GUEST: Final = "2: one player again"
LEAVE: Final = "Esc: menu"
SHELL_KEYS: Final = ("F3: network", "F4: worse link", "F9: sound", "F11: full screen")
KEYS_LOST: Final = "R: try again · Esc: choose another game"

# With two players at one keyboard, the left side has the keys on the left.
HANDS: Final[Mapping[Side, str]] = {LEFT: "W/S", RIGHT: "Up/Down"}


# A game state to read. It is empty until the first one arrives.
State = Mapping[str, Any]


@dataclass(frozen=True)
class Notice:
    """A message in front of the court: heading, sentence, and keys or a command."""

    title: str
    text: str = ""
    hint: str = ""


@dataclass(frozen=True)
class Scene:
    """The content of one frame."""

    match: Match | None = None  # None before the first state: an empty court
    names: Mapping[Side, str] = field(default_factory=dict)
    remarks: Mapping[Side, str] = field(default_factory=dict)  # notes in brackets behind the names
    you: Side | None = None
    status: str = ""
    healthy: bool = False  # whether the status describes a working connection
    keys: Sequence[str] = ()  # as many as fit, most important first
    news: str = ""
    notice: Notice | None = None
    trail: Sequence[TrailPoint] = ()  # of the ball, oldest first
    lost: frozenset[Side] = frozenset()  # sides whose player has lost the connection
    pops: Mapping[Side, float] = field(default_factory=dict)  # how far digits have swollen, 0 to 1
    squashes: Mapping[Side, float] = field(default_factory=dict)  # how far the ball presses a paddle, 0 to 1


@dataclass(frozen=True)
class Link:
    """The state of the connection, as a player sees it."""

    status: Literal["connecting", "connected", "lost"]
    where: str  # the server's address, as one types it
    rtt: float | None = None  # seconds
    trouble: str = ""  # a sentence: why the connection was lost, or that the server is silent


def scene_of(
    state: State, seat: Seat, link: Link, news: str = "", invitation: str = "", trail: Sequence[TrailPoint] = ()
) -> Scene:
    """Return the content of a frame. `seat` is the player's side, "" for spectators; `invitation` the command for
    friends, or ""."""
    match: Match | None = state.get("match")
    names: dict[Side, str] = {side: state["players"][side]["name"] for side in SIDES} if match else {}
    connected = link.status == "connected"
    return Scene(
        match=match,
        names=names,
        remarks=_remarks(state, seat),
        you=seat or None,
        lost=_lost(state, seat),
        status=_status(link, seat, len(state.get("watching", ()))),
        healthy=connected and not link.trouble,
        keys=_keys(state, seat) if connected else (),
        news=news,
        notice=_match_notice(state, match, names, seat, invitation)
        if connected
        else _link_notice(link, played=match is not None),
        trail=trail,
    )


def has_guest(state: State, seat: Seat) -> bool:
    """Return whether a second player sits at this keyboard."""
    return bool(seat and state["players"][flight.other(seat)]["guest"])


def may_call_guest(state: State, seat: Seat) -> bool:
    """Return whether no human plays the other side."""
    opponent = state["players"][flight.other(seat)] if seat else None
    return opponent is not None and (opponent["bot"] or not opponent["name"])


def opening(state: State, seat: Seat, invitation: str = "") -> list[str]:
    """Return the sentences for a player who has just sat down."""
    if not seat:
        return []
    lines = [f"You play on the {seat}: W/S or Up/Down."]
    if invitation and may_call_guest(state, seat):
        lines.append(f"Friends type: {invitation}")
    return lines


def _lost(state: State, seat: Seat) -> frozenset[Side]:
    """Return the other sides whose player has lost the connection. Who sees this state is back."""
    players = state.get("players", {})
    return frozenset(side for side in players if side != seat and players[side]["lost"] and not players[side]["guest"])


def _remarks(state: State, seat: Seat) -> dict[Side, str]:
    lost = dict.fromkeys(_lost(state, seat), "reconnecting")
    if not seat:
        return lost
    if not has_guest(state, seat):
        return {**lost, seat: "you"}
    return {seat: f"you, {HANDS[seat]}", flight.other(seat): HANDS[flight.other(seat)]}


def _keys(state: State, seat: Seat) -> tuple[str, ...]:
    if not seat:
        return (LEAVE, *SHELL_KEYS)
    if has_guest(state, seat):
        return (MOVE_BOTH, LEAVE, DISMISS_GUEST, *SHELL_KEYS)
    return (MOVE, LEAVE, *([CALL_GUEST] if may_call_guest(state, seat) else []), *SHELL_KEYS)


def _status(link: Link, seat: Seat, watching: int) -> str:
    if link.status == "connecting":
        return "Connecting"
    if link.status == "lost":
        return "Not connected"
    if link.trouble:
        return "No answer"
    parts = ["Connected" if link.rtt is None else f"Connected, {link.rtt * 1000:.0f} ms"]
    if watching and not seat:
        parts.append("you are watching" if watching == 1 else f"you and {watching - 1} more are watching")
    elif watching:
        parts.append(f"{watching} watching")
    return " · ".join(parts)


def _link_notice(link: Link, played: bool) -> Notice:
    if link.status == "connecting":
        return Notice("Pong", f"Connecting to {link.where} ...", LEAVE)
    return Notice("Disconnected" if played else f"No game at {link.where}", link.trouble, KEYS_LOST)


def _match_notice(
    state: State, match: Match | None, names: Mapping[Side, str], seat: Seat, invitation: str
) -> Notice | None:
    if match is None or state.get("lobby"):  # the lobby says it all
        return None
    if match["phase"] == rules.WAITING:
        here = ", or when two play at this keyboard: press 2" if seat else ""
        how = " Friends type:" if invitation else ""
        return Notice("Waiting for a second player", f"The match begins when somebody joins{here}.{how}", invitation)
    if result := result_of(state, seat):
        return result
    missing = [names[side] for side in SIDES if side in _lost(state, seat)]
    if missing:
        return Notice(f"{missing[0]} has lost the connection", "The match waits for a while.")
    return None


def result_of(state: State, seat: Seat) -> Notice | None:
    """Return the result of the game that is over, if one is. `seat` is the player's side."""
    match: Match | None = state.get("match")
    if match is None or match["phase"] != rules.OVER or not match["winner"]:
        return None
    names = {side: state["players"][side]["name"] for side in SIDES}
    return _result(match, names, "" if has_guest(state, seat) else seat, _hint(state, match, seat))


def _hint(state: State, match: Match, seat: Seat) -> str:
    """Return the player's next possible action."""
    if not seat:
        return ""
    if state["players"][seat]["ready"]:
        return f"Waiting for {state['players'][flight.other(seat)]['name']}"
    return "Space: play again" if rules.is_decided(match) else "Space: next game"


def _result(match: Match, names: Mapping[Side, str], seat: Seat, hint: str) -> Notice:
    winner: Side = match["winner"] or LEFT
    loser = flight.other(winner)
    score, games = (f"{part[winner]} : {part[loser]}" for part in (match["score"], match["games"]))
    wins = "You win" if seat == winner else f"{names[winner]} wins"
    sentences = [f"Longest rally: {match['longest']}."] if match["longest"] > 1 else []
    decided = rules.is_decided(match)
    if match["best_of"] > 1:
        sentences.insert(0, f"{games} in games, best of {match['best_of']}.")
    title = f"{wins} {score}" if match["best_of"] == 1 or not decided else f"{wins} the match {games}"
    return Notice(title, " ".join(sentences), hint)
