"""Who tried the network while something was built or run, as the observer saw it."""
