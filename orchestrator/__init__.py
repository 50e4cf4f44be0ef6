"""Where trials run, in which order and until when."""
