"""Listen: why did the model say this?"""
