"""Normalization methods: one file per idea."""
