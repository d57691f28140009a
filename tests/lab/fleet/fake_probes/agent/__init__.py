"""An agent that obeys probes/README.md and measures nothing."""
