"""What an experiment found, for people: one HTML page."""
