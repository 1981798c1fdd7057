"""The parts of a client: one connection, the states it has received, a simulated bad link."""
