"""Benchmarks: scripts that measure and print Markdown tables; not tests."""
