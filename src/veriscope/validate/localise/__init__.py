"""When a predicted object lies where a reference object is: rule S8, as sparse pairs of candidates."""
