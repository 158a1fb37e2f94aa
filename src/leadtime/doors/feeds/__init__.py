"""What machines fetch by the addresses of open standards."""
