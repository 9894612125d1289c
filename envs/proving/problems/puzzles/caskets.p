% Portia's caskets: gold says that the portrait is in it, silver that it is not in silver,
% lead that it is not in gold; at most one of the three speaks the truth.
% Source: R. M. Smullyan, "What Is the Name of This Book?", Prentice-Hall 1978.

fof(somewhere, axiom, gold | silver | lead).
fof(not_both, axiom, ~(gold & ~silver)).
fof(nor_both, axiom, ~(~silver & ~gold)).
fof(goal, conjecture, silver).
