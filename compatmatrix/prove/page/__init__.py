"""A smoke run as a page to look at: one file that asks nobody for anything."""
