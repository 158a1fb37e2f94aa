"""What programs do and how they end, where that itself is the flaw."""
