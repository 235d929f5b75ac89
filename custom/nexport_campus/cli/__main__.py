"""`python -m nexport_campus.cli`: what `nexport` does."""

from . import main

__all__: list[str] = []

if __name__ == "__main__":
    main()
