"""``python -m bellboard_provisioner MODE`` does one of the things that `main` lists."""

from __future__ import annotations

import sys

from .main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
