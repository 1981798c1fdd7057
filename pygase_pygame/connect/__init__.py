"""The way into a game: the screen before it, addresses, and sentences about what went wrong."""
