"""Doors translate, ask access, call one use case and render; nothing is decided here."""
