"""The Methods page's parts: the gallery of drawings, one method in full, and what they cost."""
