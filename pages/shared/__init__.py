"""What the pages share: URL and session state, models and caches, clips, players, pictures."""
