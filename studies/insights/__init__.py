"""What can be measured of a take: from its tracks and its words, by published methods. Knows nothing of Django."""
