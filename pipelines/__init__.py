"""Long jobs, one command each: training, dictionary learning, evaluation, demo clips."""
