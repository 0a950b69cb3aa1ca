"""All that the web may import of the speech side: the wire, tokens, the catalogue and its options. No torch."""
