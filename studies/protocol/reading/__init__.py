"""From a text to a checked protocol: YAML, places, and problems a researcher can act on."""
