"""Whose code failed: which modules are proven to be built from the release, and whose each frame of a stack is."""
