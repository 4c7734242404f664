"""Fidelity & models: how closely does the interpreter follow f?"""
