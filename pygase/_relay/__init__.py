"""The relay, pure: it brings players together by a code, and forwards their datagrams."""
