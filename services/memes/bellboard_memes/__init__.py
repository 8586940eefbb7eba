"""The memes bot: pictures with words on them, and dice."""
