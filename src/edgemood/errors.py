"""The exceptions edgemood raises.

::

    EdgemoodError                     anything below; catch this to catch all
    ├── ConfigError                   an option or configuration value that cannot be used
    ├── AudioError                    one audio file (or signal) cannot be analysed
    │   ├── UnreadableError           missing, no permission, or an I/O error while reading
    │   ├── UnsupportedFormatError    not audio, or a format no installed decoder knows
    │   ├── CorruptAudioError         damaged or truncated
    │   ├── TooShortError             fewer samples than one segment needs
    │   ├── SilentError               digital silence from beginning to end
    │   └── NotFiniteError            NaN or infinity among the samples
    ├── TagError                      the tags of one file cannot be read or written
    ├── BundleError                   a model bundle that is damaged, or does not fit this build or runtime
    ├── LibraryError                  the library file cannot be opened, read or written
    │   ├── UnknownTrackError         no track of the library has this id or path
    │   └── NotYetError               nothing was heard yet, or no song judged, that would tell what was asked
    ├── WorkerError                   a worker process died, hung or ran out of memory on a file
    └── PlayerError                   a music player cannot be reached, or refuses what is asked of it
"""


class EdgemoodError(Exception):
    """Base of everything edgemood raises on purpose."""


class ConfigError(EdgemoodError, ValueError):
    """An option or configuration value cannot be used; the message names it."""


class AudioError(EdgemoodError):
    """One audio file or signal cannot be analysed; others are unaffected."""


class UnreadableError(AudioError):
    """The file is missing, may not be read, or failed while being read."""


class UnsupportedFormatError(AudioError):
    """The file is not audio, or no installed decoder knows its format."""


class CorruptAudioError(AudioError):
    """The file is damaged, or ends before its header says it does."""


class TooShortError(AudioError):
    """The audio holds fewer samples than one segment needs."""


class SilentError(AudioError):
    """Every sample is zero: there is no mood to read."""


class NotFiniteError(AudioError):
    """A sample is NaN or infinite; the message says which."""


class TagError(EdgemoodError):
    """The tags of one file cannot be read, or written without harm; the file is as it was."""


class BundleError(EdgemoodError):
    """A model bundle is damaged, or does not fit this build or the installed runtime."""


class LibraryError(EdgemoodError):
    """The library file cannot be opened, read or written."""


class UnknownTrackError(LibraryError):
    """No track of the library has the id or path that was asked for."""


class NotYetError(LibraryError):
    """Nothing was heard yet, or no song judged, that would tell what was asked."""


class WorkerError(EdgemoodError):
    """A worker process died, hung or ran out of memory on a file."""


class PlayerError(EdgemoodError):
    """A music player cannot be reached, or refuses what is asked of it; the message names the player."""
