"""Measures and studies: metrics, evaluation, audit, noise, overlap, truth."""
