"""Numbers and names of players, for servers with clients and bots. Pure.

A client's number is its `client_id`, which is 1 or more. Bots have negative numbers. 0 is nobody.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

from pygase import clean_name, unused_name

NOBODY: Final = 0


def name_in(profile: Mapping[str, Any], taken: Collection[str]) -> str:
    """Return the name in a client's profile, made fit for the screen and different from all in `taken`."""
    return unused_name(clean_name(profile.get("name")), taken)
