"""Clips and data sets: ESC, SONYC-UST, folders, scenes, synthesised sounds, downloads."""
