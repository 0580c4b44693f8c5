"""Learning releases from package indexes, and holding the matrix against them."""
