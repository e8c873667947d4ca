"""Fetching datasets: files from elsewhere, whole or not at all. Needs no torch."""
