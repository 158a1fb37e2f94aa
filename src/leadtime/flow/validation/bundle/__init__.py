"""A reproduced flaw in one archive: what a maintainer needs to see it again with one command, offline."""
