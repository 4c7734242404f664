"""What draws: plots, pictures, players, tables and words; no session state."""
