"""Run the floor: `python -m benchmarks.serve_floor DATABASE_URL PORT`."""

import os
import sys

import uvicorn

from benchmarks.floor import Floor

if __name__ == "__main__":
    floor = Floor(sys.argv[1], int(os.environ["READS"]), int(os.environ["WRITES"]))
    uvicorn.run(floor, port=int(sys.argv[2]), http="httptools", loop="uvloop", access_log=False, log_level="warning")
