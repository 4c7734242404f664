"""What explains f: the protocol, and one file for each way to explain."""
