"""Moment propagation: how a belief travels through a network."""
