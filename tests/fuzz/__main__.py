"""`python -m tests.fuzz`; what it does is in `many`, because a process that is spawned does not import this module."""

import sys

from tests.fuzz.many import main

sys.exit(main())
