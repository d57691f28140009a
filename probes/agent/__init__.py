"""The agent: runs one host's part of a plan on that host, alone, and leaves the host as found."""

SCHEMA = 1
