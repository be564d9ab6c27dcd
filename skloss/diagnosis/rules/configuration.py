"""How the training was set up."""
