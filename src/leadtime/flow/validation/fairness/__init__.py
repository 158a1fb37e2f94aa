"""Was it a fair trial: what a program was given besides its input, whether it worked, and whether it was run at all."""
