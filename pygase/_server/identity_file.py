"""The file that keeps a server's identity, so that invites outlive the process."""

from __future__ import annotations

import os
from typing import Any

from .._io.files import objection_to, read_file, real_path, replace_file
from .._protocol.crypto import RandomBytes
from .._protocol.identity import MAX_FILE_BYTES, SECRETS_BYTES, ServerIdentity, identity_of_file
from ..errors import IdentityUnusable


def kept_identity(path: Any, random_bytes: RandomBytes) -> ServerIdentity | None:
    """Return the identity in a file. If there is no file, make one, readable by its owner alone.

    :param path: str or os.PathLike; None: keep none.
    :raises TypeError: it is neither.
    :raises IdentityUnusable: the file is another kind of file or torn, or cannot be read or written; it is left alone.
    """
    if path is None:
        return None
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"identity must be the path of a file, such as 'pong.identity', or None; got {path!r:.80}")
    file = real_path(path)
    try:
        data = read_file(file, MAX_FILE_BYTES)
        if data is None:
            objection = objection_to(file)
            if objection is not None:
                raise IdentityUnusable(f"no identity can be kept at {str(path)!r}: {objection}")
            identity = ServerIdentity(random_bytes(SECRETS_BYTES))
            replace_file(file, identity.to_file())
            return identity
    except OSError as error:
        words = error.strerror or error
        raise IdentityUnusable(f"the identity in {str(path)!r} cannot be read or written: {words}") from None
    kept = identity_of_file(data)
    if kept is None:
        raise IdentityUnusable(
            f"expected the identity of a server in {str(path)!r}, got another kind of file or a torn one; name another "
            "path, or move that file away: then a new identity is made, and old invites no longer fit"
        )
    return kept
