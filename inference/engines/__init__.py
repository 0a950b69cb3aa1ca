"""Speech-to-speech engines; one file or folder each, named in `inference.contract.catalog`."""
