"""What tests share: simulated networks, readers of documents, generators of state trees."""
