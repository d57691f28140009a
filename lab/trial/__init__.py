"""What one trial's row says, each with what is not visible on its host."""
