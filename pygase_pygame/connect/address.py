"""pygase's address functions, under the same names."""

from pygase import DEFAULT_PORT, format_address, parse_address

__all__ = ["DEFAULT_PORT", "format_address", "parse_address"]
