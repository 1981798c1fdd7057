"""The parts of a client: sessions, received states, waiting events, sent inputs, simulated bad links."""
