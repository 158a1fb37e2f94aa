"""Whose report is run next: fair shares of the farm's time for every finder, and a lane for what is exploited now."""
