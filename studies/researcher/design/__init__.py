"""The pages on which studies are written, previewed, published and shared."""
