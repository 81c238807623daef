"""References drawn by people, in the files of the programs they were drawn with."""
