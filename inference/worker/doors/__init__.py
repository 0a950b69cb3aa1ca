"""Ways into a worker: a take's slot, a preview, and Moshi's own chat protocol."""
