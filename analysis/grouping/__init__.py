"""Eval images of the same person, found and answered together."""
