"""f: the protocol of a sound classifier, and one file for each kind of them."""

from l2i_core.classifiers.callable import wrap_function
from l2i_core.classifiers.torch_module import wrap

__all__ = ["wrap", "wrap_function"]
