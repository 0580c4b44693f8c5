"""Files that name a stack, read as stacks."""
