"""Arena, a shooter for up to 32: `python -m games.arena host --bots 31` and `python -m games.arena join`.

The modules, in reading order (pure ones use no network, no window and no clock):

- `walls`    the walls, and free ways and lines of sight between them (pure)
- `rules`    a ship's tick and a shot's target (pure; server and clients run them)
- `bot`      a computer player (pure)
- `server`   players, bots, and the judge of shots: a shot counts as its shooter saw it
- `chat`     cleans and limits chat lines (pure)
- `memory`   recent events that the client shows for a while (pure)
- `scene`    the content of a frame, and the camera
- `picture`  draws the arena, with `sprites`; `front` and `board` draw in front of it
- `client`   the window, the keys, mouse and pad, and the connection
"""
