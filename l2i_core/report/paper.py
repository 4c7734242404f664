"""The paper's own figures, so that pages and reports can set them beside ours.

All but those of SONYC-UST: ESC-50, f fine-tuned from AudioSet weights, 44.1 kHz. Shares, not per
cent.
"""

# Table 1: top-1 / 3 / 5 fidelity, mean of five folds.
FIDELITY = {
    "L2I + Θ_ATT": (0.657, 0.818, 0.882),
    "L2I + Θ_MAX": (0.733, 0.878, 0.927),
    "FLINT": (0.735, 0.891, 0.934),
    "VIBI": (0.277, 0.454, 0.530),
}
# Table 2: FF_median of L2I + Θ_ATT in logits, fold 1; the Random Baseline at the lowest τ only.
FAITHFULNESS = {"0.9": 0.21, "0.7": 0.42, "0.5": 0.89, "0.3": 1.29}
RANDOM = {"0.3": 0.00}
# The four samples of the overlap experiment on the companion website: Pearson's r of x_int with the
# target and with the sound mixed in. Pairs and levels were chosen by hand (the released code adds
# the second clip at 0.6, 0.15, 1.0 and 0.09 of the first one's peak).
OVERLAP_CORRELATIONS = ((0.41, 0.02), (0.66, 0.08), (0.65, 0.22), (0.68, 0.01))
# Table 3: SONYC-UST, eight classes that may sound at once: macro-AUPRC, micro-AUPRC and max-F1 of
# each system's fidelity to f. Section 4.4: f's own macro-AUPRC against the labels.
DETECTION = {
    "L2I + Θ_ATT": (0.900, 0.914, 0.847),
    "L2I + Θ_MAX": (0.864, 0.912, 0.840),
    "FLINT": (0.807, 0.898, 0.811),
    "VIBI": (0.608, 0.575, 0.549),
}
F_MACRO_AUPRC = 0.601
# Fig. 2: FF by class in probability, without figures in the text; its τ.
CLASSWISE_TAU = 0.1
# Section 4.3: f's accuracy, mean of five folds.
ACCURACY = 0.825
# Not the paper's: AI, AD, AG (%), FF (a probability) and Fid-In of L-MAC, and of L2I as L-MAC's
# authors trained it, on ESC-50 clips that another sound contaminates, f a CNN14: SpeechBrain,
# recipes/ESC50/interpret/README.md. Their eval.py adds a second clip 12 dB below the first.
CONTAMINATED = {
    "L-MAC": (61.62, 3.83, 33.48, 0.40, 0.82),
    "L2I in L-MAC's recipe": (6.75, 25.93, 1.25, 0.26, 0.01),
}
