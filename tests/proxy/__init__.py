"""Tests of the LiteLLM proxy hook, most of them in a real proxy; a package, so that they can share helpers."""

import os

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # else importing LiteLLM looks for prices on the network
