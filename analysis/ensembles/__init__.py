"""How several trials answer together, fitted to what is known out-of-fold."""
