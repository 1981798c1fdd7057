"""Tag for up to 16 over a network: `python -m games.chase host` and `python -m games.chase join`.

The modules, in reading order (pure ones use no network, no window and no clock):

- `walls`    the walls, and sliding along them (pure)
- `rules`    running, catching, and the chaser (pure)
- `paths`    shortest paths around the walls (pure)
- `bot`      a computer player (pure)
- `server`   players, bots, tags, and the winner of a round
- `words`    the sentences that a player reads (pure)
- `layout`   the parts of a window of any size (pure)
- `figures`  the drawings of runners
- `picture`  draws a frame
- `client`   the window, the keys and the connection
"""
