"""edgemood beside its peers: the same work on the same music, alternating in one run, as ratios."""
