"""What to try: dotted configuration paths and the values each may take."""
