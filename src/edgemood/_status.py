"""Codes of the native core's errors (``em_status`` in ``edgemood.h``) that are told apart here."""

NOT_FINITE = 4
FINISHED = 6
