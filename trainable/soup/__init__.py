"""The mean of several trials' weights, as one network that is as fast as each of them."""
