"""One room for each foreign system, pure, both directions."""
