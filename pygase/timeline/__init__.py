"""Past and future states: playback for a screen, prediction for a player, history for a judge. Pure."""
