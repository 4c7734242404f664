"""Faithfulness: does f depend on what the interpretation holds?"""
