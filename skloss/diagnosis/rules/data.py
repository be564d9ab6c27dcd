"""Data and labels."""
