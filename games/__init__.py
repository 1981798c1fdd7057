"""Games made with PyGaSe, one folder each. `python -m games` lists them; `python -m games.NAME` starts one."""

import os

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")  # pygame's greeting would hide the games' own lines
