"""Level 1: walk candidate stacks in preference order and take the first that no rule rejects."""
