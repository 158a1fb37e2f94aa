"""One root cause, one vulnerability."""
