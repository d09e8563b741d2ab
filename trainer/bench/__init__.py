"""How much work and time a step takes: the released loop, TRL's trainer and ours, on the same models and data.

shapes     models and lengths            released   the released code's step, pass by pass
workload   random models, users, texts   ours       the same step through `trainer.updates`
meter      passes, seconds, memory       trl_grpo   TRL's GRPOTrainer doing the same work
measure    all of them in turns          report     the ratios, as a table and as JSON
"""
