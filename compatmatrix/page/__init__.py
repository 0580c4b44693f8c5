"""The matrix as one page for a browser: what works on a host, and every fact with its evidence."""
