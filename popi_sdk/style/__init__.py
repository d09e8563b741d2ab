"""The style of a text in numbers and in few words, without any model.

structure, lexicons -> measures (some forty numbers of a text) -> facts (what sets it apart, in words)
                                   calibration (how much answers usually differ)
"""
