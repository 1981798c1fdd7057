"""Canvas: everybody draws on one picture: `python -m games.canvas host` and `python -m games.canvas join`.

The modules, in reading order (pure ones use no network, no window and no clock):

- `rules`    pieces of strokes, and the limits of a picture (pure)
- `pen`      turns movements into pieces of a stroke (pure)
- `picture`  a client's copy of the picture, and its changes (pure)
- `sheet`    the server's picture, with owners and limits (pure)
- `bot`      a computer player that doodles (pure)
- `files`    saves and loads the picture, always a whole one
- `server`   artists, their events, and the saving of the picture
- `painter`  paints the picture in pixels, a few milliseconds a frame
- `hand`     the player's own strokes until the server confirms them (pure)
- `padpen`   moves the pen with a gamepad's stick (pure)
- `tools`    the buttons beside the picture
- `marks`    cursors, unfinished strokes and the brush, drawn over the picture
- `export`   saves the picture as PNG
- `client`   the window, the mouse and the connection
"""
