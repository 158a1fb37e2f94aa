"""What one page shows when it needs several stages: a named record, and a function that reads it.

Each stage is asked through its own verbs in the viewer's own transaction, so that a read model can show nothing the
viewer may not see; rows of two stages meet here and nowhere else.
"""
