"""Shared by several of these games: walls, places, players and news."""
