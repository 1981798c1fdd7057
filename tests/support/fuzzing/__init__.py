"""Structure-aware fuzzing: shapes of the bytes, changes that know them, every decoder, and whole endpoints."""
