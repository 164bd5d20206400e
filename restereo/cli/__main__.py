"""`python -m restereo.cli`, as torchrun starts it."""

from restereo.cli import main

main()
