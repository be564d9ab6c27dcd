"""Evidence that several rules share: symptoms, splits, the loss and the network."""
