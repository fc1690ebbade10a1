"""Where rendering runs: one child process per device."""
