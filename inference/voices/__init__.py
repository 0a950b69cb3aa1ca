"""Voice converters; one file each, named in `inference.contract.catalog`."""
