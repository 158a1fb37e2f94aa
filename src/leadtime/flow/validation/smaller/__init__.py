"""A smaller input that shows the same flaw: what a maintainer reads first should hold nothing that it need not."""
