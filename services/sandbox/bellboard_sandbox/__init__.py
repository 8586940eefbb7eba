"""The sandbox: a small production to practise on, and the bot that breaks and heals it."""
