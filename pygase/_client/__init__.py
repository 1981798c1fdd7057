"""The parts of a client: its sessions, received states, waiting events, sent inputs, and simulated bad links."""
