"""Bytes <-> documents, one file per standard; pure: no clock, no network, no database.

Everything read here was written by an attacker: sizes, depths and counts are bounded before anything is built.
Import from the module that names the standard (``from leadtime.formats.osv import read_osv``).
"""
