"""What all pages share: context bar, chooser, state and address, cached engines, jobs."""
