"""Thumbs in an app's chat log become signals, signals a profile, and the profile shapes the next request.

    python examples/thumbs.py

A log in OpenAI form needs no conversion: a chat is a list of messages, a thumb is `"feedback"` on an answer.
"""

import popi_sdk

LONG = (
    "Absolutely, I would be happy to help you with that! First of all, it is worth mentioning that there are several "
    "things you may want to consider before you begin. Generally speaking, {answer} That being said, every situation "
    "is different, and it might be a good idea to ask a professional. Please let me know if there is anything else!"
)
ANSWERS = {
    "How do I unblock a sink?": "Pour in baking soda, then vinegar. Wait ten minutes. Rinse with hot water.",
    "How long do I boil an egg?": "Six minutes for soft, ten for hard. Cool it in cold water.",
    "How do I remove red wine from a shirt?": "Blot it. Cover it with salt. Rinse with cold water, then wash.",
    "How do I bleed a radiator?": "Turn the heating off. Open the valve until water comes. Close it.",
    "How do I patch a bike tube?": "Find the hole. Roughen it. Glue, wait two minutes, press the patch on.",
    "How do I repot a plant?": "Take a pot two fingers wider. Fill in soil around the roots. Water it.",
    "How do I sharpen a knife?": "Wet the stone. Hold the blade at 20 degrees. Ten strokes on each side.",
    "How do I descale a kettle?": "Fill it half with vinegar and half with water. Boil. Wait. Rinse twice.",
}


def chat(prompt: str, answer: str, thumb: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": prompt}, {"role": "assistant", "content": answer, "feedback": thumb}]


log = [chat(prompt, short, "up") for prompt, short in ANSWERS.items()]
log += [chat(prompt, LONG.format(answer=short), "down") for prompt, short in ANSWERS.items()]

with popi_sdk.Popi(store="memory") as popi:
    popi.observe("ada", log)
    popi.observe("ada", {"prompt": "How do I hang a shelf?", "response": "Drill. Plug. Screw.", "liked": True})

    profile = popi.profile("ada")
    print(f"{profile.signal_count} signals -> {profile.summary.text or 'nothing to say yet'}")
    for clause in profile.summary.clauses:
        print(f"- {clause.text}  (strength {clause.strength:.2f}, {len(clause.signal_ids)} signals)")
    print(popi.compose("How do I clean an oven?", user_id="ada")[0]["content"])
