"""Small networks, written with plain nn.BatchNorm layers."""
