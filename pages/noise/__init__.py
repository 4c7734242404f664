"""Noise lab: does the explanation survive added sound?"""
