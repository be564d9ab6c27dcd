"""The network and its head."""
