"""What the adapter draws: text, menus, entries, the network graph, the banner."""
