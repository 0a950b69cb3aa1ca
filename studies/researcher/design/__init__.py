"""Studies are written, tried out, published and shared here."""
