"""Codes of rooms, as players read them to each other: ``K7QX-3F``."""

from __future__ import annotations

from typing import Final

from .._protocol.crypto import keyed_hash

CODE_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRTVWXYZ"
"""31 characters. Of those that look alike (O and 0, I, L and 1, S and 5, U and V) it has one."""

CODE_LETTERS: Final = 6
"""31**6 is 890 million: with 500 rooms open, one guess in 1.8 million meets one."""

_SHOWN_TOGETHER: Final = 4
_MEANT: Final = str.maketrans("OILSU", "0115V", "- ")
_CODE_HASH_BYTES: Final = 16


def code_of(key: bytes, room_secret: bytes, attempt: int) -> str:
    """Return the code that a relay gives to the host with this secret. It is the same after a restart.

    :param key: the relay's own, at most 64 bytes. Without it nobody can look for a secret that leads to a given code.
    :param attempt: 0; more, if another room has the code.
    """
    number = int.from_bytes(keyed_hash(key, b"code" + bytes([attempt]) + room_secret, _CODE_HASH_BYTES), "big")
    letters = ""
    for _ in range(CODE_LETTERS):
        number, index = divmod(number, len(CODE_ALPHABET))
        letters += CODE_ALPHABET[index]
    return letters


def shown_code(code: str) -> str:
    """Return a code as people read it, with a dash: ``K7QX-3F``."""
    return f"{code[:_SHOWN_TOGETHER]}-{code[_SHOWN_TOGETHER:]}"


def parse_code(text: str) -> str:
    """Return the code that a player has typed: in any case, with or without dash, with look-alikes such as O for 0.

    :raises ValueError: if it is no code; the message is fit for a player.
    """
    code = text.strip().upper().translate(_MEANT)
    if len(code) != CODE_LETTERS or not set(CODE_ALPHABET).issuperset(code):
        raise ValueError(
            f'"{text:.40}" is no room code: expected {CODE_LETTERS} letters and digits such as K7QX-3F. '
            "Ask the host to read it out once more."
        )
    return code
