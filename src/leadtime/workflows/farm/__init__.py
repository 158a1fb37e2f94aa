"""Validation on other hosts: runners that hold no key of the installation and see nothing but what was sealed to them.

A host with keys gives a run to a runner (`give`), sealed to its key; the runner runs it (`runner`) and seals its answer
to the installation, which distrusts it. A dead runner's runs are given to another.
"""
