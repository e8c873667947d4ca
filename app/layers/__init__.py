"""The Layers page: what one layer believes, at any moment of a run."""
