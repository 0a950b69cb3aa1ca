"""Voice converters. Each has a file or folder of its own and is named in `inference.contract.catalog`."""
