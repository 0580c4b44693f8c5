"""`python -m compatmatrix`."""

from compatmatrix.cli.main import main

main()
