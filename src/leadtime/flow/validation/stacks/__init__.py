"""Stacks as an observer reads them, before anybody says whose their frames are."""
