"""Dictionary: which sounds can an explanation be made of?"""
