"""The way into a game: the screen before it, addresses, and reasons for trouble."""
