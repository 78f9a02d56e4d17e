"""What we promise, measured: ratios against a hand-written floor in one run, medians over several rounds."""
