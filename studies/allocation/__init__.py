"""Who gets which arm: places in balanced blocks with leases, minimisation, quotas, and who counts."""
