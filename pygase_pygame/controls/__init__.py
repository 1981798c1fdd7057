"""The player's actions: keys, mouse and gamepads."""
