"""Pasted reports: any mix of texts that people post. One file a kind of text, each a `read` of lines to facts seen.

Nothing here judges: `compatmatrix.probe.reports.report.read_report` joins what was seen to a stack, a host and the
rest.
"""
