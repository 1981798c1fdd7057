"""The search for games on the local network, pure: bytes and ``now`` in, bytes and games out."""
