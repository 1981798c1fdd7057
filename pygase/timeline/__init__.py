"""Past and future states, pure: playback for a screen, prediction for a player, history for a judge."""
