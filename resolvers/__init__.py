"""How a request is answered: the read compiler, one short function per mutation, the feeds."""
