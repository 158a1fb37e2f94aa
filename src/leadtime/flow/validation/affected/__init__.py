"""Which releases have a flaw: the reproducer is run over the published ones, as far as a budget goes."""
