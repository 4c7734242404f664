"""The dictionary W: sparse NMF (Eq. 5), soft masks (Algorithm 2), shapes, names."""
