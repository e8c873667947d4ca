"""How a normalizer gets into a network: tracing, placing, rewriting weights."""
