"""Is everything ready by the deadline, and is the time until then used?"""
