"""placeholder"""
CENTRE = {c: [0.0] * 20 for c in ("red-cyan", "green-magenta", "amber-blue")}
SCALE = {c: [1.0] * 20 for c in ("red-cyan", "green-magenta", "amber-blue")}
WEIGHTS = {c: [[0.0] * 21] * 3 for c in ("red-cyan", "green-magenta", "amber-blue")}
