"""The Batch size page's parts: a sweep as cells, what they say, and how it is asked for."""
