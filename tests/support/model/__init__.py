"""A game in virtual time, a simple model of what must be true of it, and random programs that drive both."""
