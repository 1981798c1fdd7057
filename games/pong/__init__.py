"""Pong for two over a network: `python -m games.pong host` and `python -m games.pong join`.

The modules, in reading order (pure ones use no network, no window and no clock):

- `rules`      the laws of the court (pure)
- `bot`        a computer player (pure)
- `seats`      the players' entries in the state (pure)
- `server`     gives players their sides and runs the match
- `foresight`  the ball at the time of the paddle that it is near to (pure)
- `echo`       the sounds and the trail of the ball (pure)
- `scene`      the content of a frame, in words and numbers (pure)
- `court`      draws a scene
- `client`     the keys, and the server's events
"""
