"""``python -m mesenbayes`` is the console script ``mesenbayes``."""

from mesenbayes.cli import main

if __name__ == "__main__":
    main()
