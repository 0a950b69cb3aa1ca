"""The inference worker: one process per device, batch rows, one step every 80 ms."""
