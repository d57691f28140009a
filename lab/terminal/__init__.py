"""What people see on the terminal: rich renderables, and plain records for `--json`."""
