"""Drawn faces in the competition's layout, to try everything on without any data."""
