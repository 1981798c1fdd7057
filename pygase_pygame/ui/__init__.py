"""The drawn parts of the adapter: text, menus, entries, the network graph, the banner."""
