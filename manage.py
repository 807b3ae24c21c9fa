#!/usr/bin/env python
"""Run a command of the project, with the servers it needs."""

import os
import signal
import sys

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while importing ends in silence
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tom.settings")

    from tom.embedded.run import main

    sys.exit(main(sys.argv))
