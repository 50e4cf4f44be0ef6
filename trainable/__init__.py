"""One configuration trained on person-grouped folds, with predictions."""
