"""Answers the questions of cronsim.rs beside this file: 20 times after a start, in Unix seconds."""

import sys
from datetime import datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim

for line in open(sys.argv[1], encoding="ascii").read().splitlines():
    zone, start, expression = line.split("\t")
    times = CronSim(expression, datetime.fromtimestamp(int(start), ZoneInfo(zone)))
    print(*(int(next(times).timestamp()) for _ in range(20)), line)
