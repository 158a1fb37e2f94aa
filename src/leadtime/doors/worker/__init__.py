"""The process that works queues: no address, no pages; it ends when it is told to, and what it had is taken over."""
