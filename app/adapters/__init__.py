"""What is outside our walls, behind the protocols that the domain declares: one file per noun."""
