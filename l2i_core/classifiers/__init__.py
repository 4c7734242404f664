"""f: the protocol of a sound classifier, and one file for each kind of them."""
