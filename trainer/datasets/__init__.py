"""From other people's data to training data: raw rows, examples, blocks, splits, files.

rows, hub     raw rows of files, folders and the hub, each with its place
elix, review, roleplay, alignx (and its traits)   the paper's four benchmarks
columns       any preference data, by a map of columns
people        the files of real people's choices
stored        the SDK's own store
pools         one user's pairs gathered from many rows
rotation      blocks in which each pair is held out in turn
splits        by user, by prompt, or by both; and the leak check
adapters      which of these a source needs, and its defaults
prepare       all of it in a row, and the files written at the end

An adapter is a function from rows to examples. Where an example holds a user's whole pool of pairs, rotation makes
blocks of it after the split, so that no block reaches across two splits.
"""
