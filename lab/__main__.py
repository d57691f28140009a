"""`python -m lab` is `kvmlab`."""

from lab.cli import main

main()
