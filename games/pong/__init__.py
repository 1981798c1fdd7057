"""Pong for two over a network: `python -m games.pong host` and `python -m games.pong join`.

Where to begin reading, from what knows nothing of the rest to what joins it all:

- `rules`      what is true on the court (pure: no network, no window)
- `bot`        somebody to play against (pure)
- `seats`      who sits where, as the state tells it (pure)
- `server`     who may sit where, and what a client may do
- `foresight`  which ball to show to somebody whose own paddle is ahead of the rest (pure)
- `echo`       what is heard, and the trail that the ball leaves (pure)
- `scene`      what there is to see, in words and numbers (pure)
- `court`      a picture of that
- `client`     the keys, and what the server says

The window, the command line and all else that other games have too is in `games.common`.
"""
