"""Simulated people who choose between real answers and show it in every way: what the embedded summarizer learns from.

answers    real answers to real tasks, with their measured style
choosing   people with hidden wishes, and their choices between two answers
showing    a choice as a signal of any kind, in deeds or in words
wordings   what people say, by aspect and direction
examples   people to training examples
splits     who is trained on and who is not
texts      what models from scratch read first: described answers, dialogues, wordings
ceiling    how much there is to learn, by linear models of style
"""
