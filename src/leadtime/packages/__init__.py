"""Purls, version order, ranges, and fetching and unpacking a release by its purl.

Import from the module that names the thing (``from leadtime.packages.purls import parse_purl``).
Nothing that is fetched here is ever executed, not even for its metadata.
"""
