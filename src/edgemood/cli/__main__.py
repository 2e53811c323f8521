"""``python -m edgemood.cli`` is the command ``edgemood``."""

from edgemood.cli import main

main()
