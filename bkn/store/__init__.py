"""The store: SQLite schema, writer, reader, cache. Imports no torch."""
