"""Shared by the tests: simulated networks, readers of documents, generators of state trees."""
