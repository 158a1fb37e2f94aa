"""Leadtime gives defenders their head start."""
