#!/usr/bin/env python
"""Run a command of the project, with the services it needs."""

import os
import sys

from tom.embedded.run import main

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tom.settings")
    sys.exit(main(sys.argv))
