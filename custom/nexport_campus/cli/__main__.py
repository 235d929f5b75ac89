"""Entry point of `python -m nexport_campus.cli`, which is the same as `nexport`."""

from . import main

if __name__ == "__main__":
    main()
