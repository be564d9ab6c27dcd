"""What only a search shows."""
