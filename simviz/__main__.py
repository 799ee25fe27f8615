"""`python -m simviz`: the command line."""

import sys

from simviz.cli import main

sys.exit(main())
