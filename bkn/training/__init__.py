"""The training loop, the lock-step race, checkpoints."""
