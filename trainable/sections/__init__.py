"""The groups of settings that make a trial, each with its bounds and meanings."""
