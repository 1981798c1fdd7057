"""Canvas: everybody draws on one picture: `python -m games.canvas host` and `python -m games.canvas join`.

Where to begin reading, from what knows nothing of the rest to what joins it all:

- `rules`    what a picture is made of, and how large it may become (pure: no network, no window)
- `pen`      from the way of a hand to pieces of a stroke (pure)
- `picture`  what has changed of the picture from one state to the next (pure)
- `sheet`    the server's picture: who drew what, and how much (pure)
- `bot`      somebody who doodles (pure)
- `files`    the picture in a file: never half of it
- `server`   who draws, what they may do, and what becomes of it
- `painter`  the picture in pixels, painted bit by bit
- `hand`     what one draws oneself, until the server has it (pure)
- `padpen`   a gamepad's stick as a mouse (pure)
- `tools`    the buttons beside the picture
- `marks`    what is drawn over the picture: cursors, one's own brush
- `export`   the picture as PNG
- `client`   the window, the mouse and the connection
"""
