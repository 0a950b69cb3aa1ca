"""The protocols that a worker serves: a take's slot, a preview and Moshi's own chat protocol."""
