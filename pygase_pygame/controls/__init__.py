"""Keys, mouse and gamepads: the player's actions, read and bound."""
