"""Proof: install a lock, train in it, judge and record what was seen."""
