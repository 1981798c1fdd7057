"""Why there is no connection, and what the player can do, in plain words."""

from __future__ import annotations

import re

from pygase import DisconnectReason

_SYSTEM_ERROR = re.compile(r" \(\[Errno -?\d+\][^()]*\)")

MAX_LENGTH = 400
"""Most characters of what is drawn."""

MAX_DETAIL_LENGTH = 200
"""Most characters of what a server says, which may be a stranger's."""

_WHAT_TO_DO = {
    DisconnectReason.SERVER_SHUTDOWN: "Ask the host to open it again, then try again.",
    DisconnectReason.KICKED: "Ask the host before you try again.",
    DisconnectReason.BANNED: "Ask the host about it.",
    DisconnectReason.SERVER_FULL: "Try again when somebody has left.",
    DisconnectReason.WRONG_GAME: "Check the address and the port.",
    DisconnectReason.WRONG_PASSWORD: "Ask the host for it, then try again.",
    DisconnectReason.TIMED_OUT: "Check your network, then try again.",
    DisconnectReason.STATE_TOO_LARGE: "Tell the author of the game.",
    DisconnectReason.PROTOCOL_ERROR: "Update the game on both machines, then try again.",
}
"""For the reasons whose own sentence does not already say so."""


def explain(reason: DisconnectReason | None, detail: str = "", error: Exception | None = None) -> str:
    """Return what happened, what the server said about it, and what to do, on one line.

    :param reason: why the connection ended, or did not come about.
    :param detail: the server's own words.
    :param error: what connecting raised, if it did: it knows best.
    """
    if error is not None:
        parts = [_in_plain_words(str(error)) or type(error).__name__]
    else:
        parts = [
            reason.sentence if reason is not None else "The connection is lost.",
            detail[:MAX_DETAIL_LENGTH],
        ]
    advice = _WHAT_TO_DO.get(reason, "") if reason is not None else ""
    return clean(" ".join(part for part in (*parts, advice) if part))


def _in_plain_words(text: str) -> str:
    """Return an error's words as a sentence, without the system's own in brackets, which are for programmers."""
    text = _SYSTEM_ERROR.sub("", text)
    return text[:1].upper() + text[1:]


def clean(text: str) -> str:
    """Return a text as it can be drawn: on one line, not endless, without control characters."""
    text = text[:MAX_LENGTH].encode("utf-8", "replace").decode("utf-8")
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
