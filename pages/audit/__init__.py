"""Audit: which decisions deserve doubt?"""
