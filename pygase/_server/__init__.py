"""The parts of a server and of its game loop."""
