"""`python -m reportgen`."""

from reportgen.start import main

main()
