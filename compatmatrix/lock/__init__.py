"""Level 2: the whole closure of a decided stack, with hashes, resolved by uv."""
