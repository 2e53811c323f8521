"""ARM from any Debian machine: cross-built, run under qemu-user in an unpacked Debian, and costed."""
