"""Reasons for a missing connection, and advice, in plain words."""

from __future__ import annotations

import re
from typing import Final

from pygase import DisconnectReason, clean_line

MAX_DETAIL: Final = 200
"""Characters of a server's own words. It may be a stranger's."""

_SYSTEM_ERROR: Final = re.compile(r" \(\[Errno -?\d+\][^()]*\)")

_ADVICE: Final = {
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
"""Advice for the reasons whose own sentence has none."""


def explain(reason: DisconnectReason | None, detail: str = "", error: Exception | None = None) -> str:
    """Return one line: the event, the server's words about it, and advice.

    :param reason: why the connection ended, or was not made.
    :param detail: the server's own words.
    :param error: the exception of connecting. Its words replace the reason's.
    """
    if error is not None:
        parts = [_in_plain_words(str(error)) or type(error).__name__]
    else:
        parts = [reason.sentence if reason is not None else "The connection is lost.", detail[:MAX_DETAIL]]
    advice = _ADVICE.get(reason, "") if reason is not None else ""
    return clean_line(" ".join(part for part in (*parts, advice) if part))


def _in_plain_words(text: str) -> str:
    text = _SYSTEM_ERROR.sub("", text)
    return text[:1].upper() + text[1:]
