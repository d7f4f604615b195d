"""Answer-quality evaluation of Dalil. Nothing here is needed at run time."""
