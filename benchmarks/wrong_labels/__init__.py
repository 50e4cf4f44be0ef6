"""Are planted wrong labels found?"""
