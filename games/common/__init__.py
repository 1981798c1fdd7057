"""What several of these games share, and no other game needs."""
