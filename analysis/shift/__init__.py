"""Eval persons of other gender and age shares than the training persons."""
