"""One release, built and run in the sandbox under watch: no database, no secrets."""
