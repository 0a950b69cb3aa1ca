"""The inference worker: one process per device, which steps a batch of conversations every 80 ms."""
