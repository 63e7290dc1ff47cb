"""Backups of a home folder: one archive while the service runs, restored in another place."""
