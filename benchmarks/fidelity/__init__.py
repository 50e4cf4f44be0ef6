"""Folds together, one after the other, or one alone? Searches replayed over recorded trainings."""
