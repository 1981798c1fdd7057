"""Games made with PyGaSe, each in a folder of its own. `python -m games` lists them, `python -m games.NAME` plays."""

import os

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")  # the terminal is for what the games say
