"""How far a patch climbs: applies, builds, reproducer silent, variants silent, tests pass, behaviour kept."""
