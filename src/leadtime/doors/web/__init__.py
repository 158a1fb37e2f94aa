"""Pages per role: templates, their filters, static files. No script runs in them, so none can be injected."""
