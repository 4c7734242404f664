"""What the commands left in a bundle, as Markdown tables."""
