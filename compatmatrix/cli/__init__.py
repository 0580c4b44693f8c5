"""The commands, one a file; the only place that prints or exits."""
