"""Speed and size of Dalil, as ratios and figures measured in one run. Nothing here is needed at run time."""
