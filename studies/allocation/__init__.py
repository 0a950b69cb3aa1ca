"""Decides who gets which arm: leased places in balanced blocks, minimisation, quotas, and which sessions count."""
