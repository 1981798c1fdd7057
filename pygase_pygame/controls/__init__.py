"""Keys, mouse and gamepads: what the player holds down, and how the server learns of it."""
