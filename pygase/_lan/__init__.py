"""How a game is found on the local network, pure: bytes and ``now`` in, bytes and games out."""
