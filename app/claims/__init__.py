"""The Claims page's parts: where every claim stands, its card, the claim in full, what runs it."""
