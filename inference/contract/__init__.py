"""Everything that the web may import from the speech side: the wire, tokens, catalogue and options, without torch."""
