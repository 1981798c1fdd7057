"""The drawn parts of the adapter."""
