"""The parts of a server and its game loop: the inputs of players, queued events, what the loop watches."""
