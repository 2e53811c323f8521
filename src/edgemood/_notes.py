"""The part of the library that integrations write: short notes of their own, by name."""

from __future__ import annotations

from edgemood._database import Tables


class Notes(Tables):
    """What a program that works with the library has to know again when it comes back."""

    def note(self, name: str) -> str | None:
        """Give a note; None where there is none of this name."""
        rows = self._database.query("SELECT value FROM notes WHERE name = ?", (name,))
        return str(rows[0][0]) if rows else None

    def set_note(self, name: str, value: str | None) -> None:
        """Keep a note, in place of the one of this name; with None there is none any more. It is then on the disk."""
        with self._database.writing():
            if value is None:
                self._database.run("DELETE FROM notes WHERE name = ?", (name,))
            else:
                self._database.run("INSERT OR REPLACE INTO notes VALUES (?, ?)", (name, value))
