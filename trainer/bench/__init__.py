"""How much work and time a step takes: the released loop, TRL's trainer and ours, on the same models and data.

shapes     models and lengths            released   the released code's step, pass by pass
workload   random models, users, texts   ours       the same step through `trainer.updates`
meter      passes, seconds, memory       trl_grpo   TRL's GRPOTrainer doing the same work
measure    all of them in turns          report     the ratios, as a table and as JSON
loop       the stages of a step

Released and ours are given the same summaries and compute the same numbers. Two steps are compared: the summarizer's,
with the generator at rest (reward, KL reference, update), and the joint one, in which the generator learns from all
summaries of the step too. There the released code pays for its rewards and for its generator's update, whose passes are
separate; ours has the rewards from the update's own pass. (The released code trains its generator in a phase of its own
on one summary per user; the work per summary is what is compared.) Decoding is the same on both sides and stands beside
the stages. The reference is cached once for a dataset, so it costs nothing per step in ours and is shown apart. TRL
samples for itself, so its whole step is compared with our whole step.
"""
