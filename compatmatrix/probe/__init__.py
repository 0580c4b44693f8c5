"""What is there: the driver and its GPUs, the interpreter, the installed distributions. Runs none of their code."""
