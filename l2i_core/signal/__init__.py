"""Sound and spectra: reading, writing, STFT and its inverse, log-mel, added noise."""
