"""What does a search cost its driver, with very many trials? And what do several machines cost?"""
