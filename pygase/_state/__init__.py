"""Game states as plain data, pure: frozen trees, their msgpack form, differences, sizes and ways to read them."""
