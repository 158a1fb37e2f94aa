"""Durable stories, each readable top to bottom; `engine` alone imports the job library."""
