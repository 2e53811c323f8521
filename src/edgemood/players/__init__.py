"""Music players that edgemood works with: one file each, see `edgemood.player` for what it has to do."""
