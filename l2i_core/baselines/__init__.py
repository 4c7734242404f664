"""What interpretations are compared with."""
