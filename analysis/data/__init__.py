"""The data seen before training: one HTML page of counts, faces and the first batch."""
