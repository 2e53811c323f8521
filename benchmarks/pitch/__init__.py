"""Can F0 and HNR be trusted? Trackers judged on signals whose pitch is known, and on recordings against each other."""
